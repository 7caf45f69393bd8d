"""`MotionPredictor` and the runner behind it, with a network of a few hundred weights."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cmp_engine import runner as runner_module
from cmp_engine.build import build_network
from cmp_engine.config import ModelConfig, preset
from cmp_engine.errors import (
    DeviceError,
    EngineError,
    FlowError,
    GuidanceError,
    ImageError,
    NotReadyError,
)
from cmp_engine.geometry import ImageGeometry, normalize_images
from cmp_engine.guidance import check_guidance, to_network
from cmp_engine.modeling.cmp import CMP, Guidance, MotionDecoder, MotionEncoder
from cmp_engine.predictor import MAX_BATCH_CPU, MotionPredictor
from cmp_engine.weights import LoadedModel, WeightsInfo

TINY = ModelConfig(image_encoder="resnet18", decoder="plain", head="regression")
ARROWS = ([(40.0, 30.0), (100.5, 60.25)], [(12.0, -7.0), (0.0, 0.0)])


class TinyEncoder(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 8, stride=8), nn.BatchNorm2d(4), nn.ReLU())

    def forward(self, image):
        return (super().forward(image),)


class TinyMotionEncoder(MotionEncoder):
    def forward(self, guidance, height, width):
        return (nn.functional.avg_pool2d(guidance.rasterize(height, width), 8),)


class TinyDecoder(MotionDecoder):
    """A convolution over image and motion, split in two."""

    def __init__(self):
        super().__init__()
        self.image = nn.Conv2d(4, 2, 3, padding=1)
        self.motion = nn.Conv2d(4, 2, 5, padding=2, bias=False)

    def prepare(self, features):
        return (self.image(features[0]),)

    def propagate(self, prepared, motion):
        return prepared[0] + 64 * self.motion(motion[0])


class FailingDecoder(TinyDecoder):
    """Raises once, or answers with what is not a number."""

    def __init__(self, error=None):
        super().__init__()
        self.errors = [error] if error else []

    def propagate(self, prepared, motion):
        if self.errors:
            raise self.errors.pop()
        return super().propagate(prepared, motion)


class NanDecoder(TinyDecoder):
    def propagate(self, prepared, motion):
        return super().propagate(prepared, motion) * np.nan


def tiny(decoder=None, config=TINY):
    torch.manual_seed(3)
    network = CMP(TinyEncoder(), TinyMotionEncoder(), decoder or TinyDecoder(), config).eval()
    network.image_encoder[1].running_mean += 0.3
    network.image_encoder[1].running_var += 0.5
    return network


def picture(height=120, width=160, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def ready(network=None, image=None, **options):
    predictor = MotionPredictor(network or tiny(), device="cpu", **options)
    predictor.set_image(picture() if image is None else image)
    return predictor


def whole_flow(network, image, points, displacements, short_side):
    """The published way: the whole network at once, then bilinear upsampling; without limbs."""
    geometry = ImageGeometry.fit(image.shape[:2], short_side=short_side)
    guidance = to_network(*check_guidance(points, displacements, image.shape[:2]), geometry)
    on_network = torch.from_numpy(geometry.image_to_network(image).copy()).permute(2, 0, 1)
    with torch.inference_mode():
        normalized = normalize_images(on_network[None])
        flow = network.to_flow(network(normalized, guidance))
        if network.config.decoder == "attention":
            motion = network.flow_encoder(guidance, *geometry.network_hw)
            flow = network.flow_decoder.answer(network.prepare(normalized), motion).flow
        flow = nn.functional.interpolate(
            flow,
            size=geometry.network_hw,
            mode="bilinear",
            align_corners=network.config.decoder != "attention",
        )
    return geometry.flow_to_image(flow[0].permute(1, 2, 0).contiguous().numpy())


@pytest.mark.parametrize(
    "name", ["resnet50_skip", "resnet50_plain", "alexnet_plain", "alexnet_stride8_plain", "default"]
)
def test_predict_when_image_and_guidance_are_split_then_equal_to_the_whole_network(name):
    torch.manual_seed(1)
    network = build_network(preset(name)).eval()
    image = picture(96, 136)
    predictor = ready(network, image, short_side=96)
    flow = predictor.predict_many([ARROWS], upsampling="bilinear", limbs=False)[0]
    expected = whole_flow(network, image, *ARROWS, short_side=96)
    assert np.abs(flow - expected).max() < 1e-3


def test_predict_when_there_are_limbs_then_nearly_what_the_network_itself_puts_together():
    torch.manual_seed(1)
    network = build_network(preset("default")).eval()
    image = picture(96, 128)
    nn.init.constant_(network.flow_decoder.limbs.trusted[-1].bias, 20.0)
    nn.init.constant_(network.flow_decoder.limbs.limb[-1].bias[:1], 3.0)
    geometry = ImageGeometry.fit((96, 128), short_side=96)
    guidance = to_network(*check_guidance(*ARROWS, (96, 128)), geometry)
    with torch.inference_mode():
        coarse = network(normalize_images(torch.from_numpy(image).permute(2, 0, 1)[None]), guidance)
    expected = nn.functional.interpolate(coarse, (96, 128), mode="bilinear")[0].permute(1, 2, 0)
    flow = ready(network, image, short_side=96).predict(*ARROWS, upsampling="bilinear")
    apart = np.abs(flow - expected.numpy()).max(2)
    without = ready(network, image, short_side=96).predict_many([ARROWS], limbs=False)[0]
    assert np.abs(without - flow).max() > 1
    assert np.percentile(apart, 95) < 0.25


def test_predict_when_the_picture_is_384_square_then_only_bilinear_is_between():
    network, image = tiny(), picture(384, 384)
    flow = ready(network, image).predict(*ARROWS, upsampling="bilinear")
    guidance = Guidance(
        points=torch.tensor(ARROWS[0])[None],
        vectors=torch.tensor(ARROWS[1])[None],
        valid=torch.ones(1, 2, dtype=torch.bool),
    )
    with torch.inference_mode():
        tensor = normalize_images(torch.from_numpy(image).permute(2, 0, 1)[None])
        raw = network(tensor, guidance)
        expected = nn.functional.interpolate(
            raw, size=(384, 384), mode="bilinear", align_corners=True
        )
    assert np.abs(flow - expected[0].permute(1, 2, 0).numpy()).max() < 1e-4


@pytest.mark.parametrize("upsampling", ["edge_aware", "bilinear"])
def test_predict_many_when_in_one_batch_then_equal_to_one_by_one(upsampling):
    predictor = ready()
    rng = np.random.default_rng(2)
    sets = [
        (rng.uniform(0, 119, (count, 2)), rng.normal(0, 9, (count, 2)))
        for count in (1, 3, 0, 2, 5, 1, 2, 4, 0, 6, 1, 3)
    ]
    assert sum(len(points) > 0 for points, _ in sets) > MAX_BATCH_CPU
    together = predictor.predict_many(sets, upsampling=upsampling)
    assert together.shape == (len(sets), 120, 160, 2)
    for flow, guidance in zip(together, sets, strict=True):
        alone = predictor.predict(*guidance, upsampling=upsampling)
        assert np.abs(flow - alone).max() < 1e-4


def test_predict_many_when_there_are_no_sets_then_an_empty_batch():
    assert ready().predict_many([]).shape == (0, 120, 160, 2)


@pytest.mark.parametrize("upsampling", ["edge_aware", "bilinear"])
@pytest.mark.parametrize(
    "size", [(16, 16), (16, 900), (1200, 17), (31, 33), (384, 400), (500, 300), (64, 96)]
)
def test_predict_when_any_size_then_a_finite_flow_of_that_size(size, upsampling):
    predictor = ready(image=picture(*size), short_side=64)
    flow = predictor.predict([(8, 8)], [(5, 3)], upsampling=upsampling)
    assert flow.shape == (*size, 2)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()
    assert np.abs(flow).max() > 0


@pytest.mark.parametrize("upsampling", ["edge_aware", "bilinear"])
@pytest.mark.parametrize("size", [(60, 80), (240, 320), (120, 160), (90, 400)])
def test_predict_when_another_grid_is_asked_for_then_the_flow_is_in_its_pixels(size, upsampling):
    # Constant flow: the network's convolutions answer with their bias alone.
    network = tiny()
    for part in (network.flow_decoder.image, network.flow_decoder.motion):
        nn.init.zeros_(part.weight)
    with torch.no_grad():
        network.flow_decoder.image.bias.copy_(torch.tensor([6.0, -4.0]))
    predictor = ready(network, short_side=96)
    flow = predictor.predict(*ARROWS, upsampling=upsampling, size_hw=size)
    assert flow.shape == (*size, 2)
    assert np.allclose(flow[..., 0], 6 * size[1] / 128, rtol=1e-4)
    assert np.allclose(flow[..., 1], -4 * size[0] / 96, rtol=1e-4)


def test_predict_when_there_are_no_arrows_then_zero_without_the_network():
    predictor = ready(tiny(FailingDecoder(AssertionError("the network ran"))))
    flow = predictor.predict([], [])
    assert flow.shape == (120, 160, 2)
    assert not flow.any()


def test_predict_when_there_is_no_picture_then_not_ready():
    predictor = MotionPredictor(tiny(), device="cpu")
    assert predictor.image_hw is None
    with pytest.raises(NotReadyError, match="set_image"):
        predictor.predict(*ARROWS)
    with pytest.raises(NotReadyError, match="set_image"):
        predictor.predict_many([])


def test_set_image_when_it_fails_then_the_predictor_is_not_ready():
    predictor = ready()
    with pytest.raises(ImageError):
        predictor.set_image(np.zeros((120, 160), np.uint8))
    assert predictor.image_hw == (120, 160)  # refused before anything was done
    predictor._runner._network.image_encoder = nn.Identity()
    with pytest.raises(Exception, match=r".+"):
        predictor.set_image(picture(seed=1))
    assert predictor.image_hw is None
    with pytest.raises(NotReadyError):
        predictor.predict(*ARROWS)


def test_set_image_when_called_again_then_nothing_of_the_first_picture_is_left():
    predictor = ready()
    predictor.predict(*ARROWS)
    other = picture(150, 130, seed=5)
    predictor.set_image(other)
    assert predictor.image_hw == (150, 130)
    assert np.array_equal(predictor.predict(*ARROWS), ready(image=other).predict(*ARROWS))


def test_set_image_when_the_array_changes_later_then_the_answer_does_not():
    image = picture()
    predictor = ready(image=image)
    before = predictor.predict(*ARROWS)
    image[:] = 0
    predictor._state.upsampler._cached = None
    assert np.array_equal(predictor.predict(*ARROWS), before)


def test_set_image_when_the_array_is_a_flipped_view_then_as_its_copy():
    image = picture()[::-1, ::-1]
    flow = ready(image=image).predict(*ARROWS)
    assert np.array_equal(flow, ready(image=image.copy()).predict(*ARROWS))


def test_predict_when_guidance_makes_no_sense_then_the_arrow_is_named():
    with pytest.raises(GuidanceError, match="Arrow 2"):
        ready().predict([(1, 1), (500, 1)], [(1, 1), (1, 1)])


@pytest.mark.parametrize("size", [(0, 10), (-5, 5), (20_000, 20_000)])
def test_predict_when_the_size_makes_no_sense_then_flow_error(size):
    with pytest.raises(FlowError, match="megapixels"):
        ready().predict(*ARROWS, size_hw=size)


def test_predict_when_upsampling_is_unknown_then_flow_error():
    with pytest.raises(FlowError, match="edge_aware"):
        ready().predict(*ARROWS, upsampling="nearest")


def test_predict_when_the_network_answers_with_nan_then_engine_error():
    with pytest.raises(EngineError, match="not finite"):
        ready(tiny(NanDecoder())).predict(*ARROWS)


def test_predictor_when_made_then_the_network_stays_as_it_was():
    network = tiny().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    ready(network).predict(*ARROWS)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_predictor_when_made_from_loaded_weights_then_it_knows_them():
    info = WeightsInfo("tiny", Path("tiny.safetensors"), "0" * 64, TINY, {})
    predictor = MotionPredictor(LoadedModel(tiny(), info), device="cpu")
    assert predictor.info is info
    assert MotionPredictor(tiny(), device="cpu").info is None


def test_predictor_when_the_device_is_unknown_then_device_error():
    with pytest.raises(DeviceError, match="Unknown device"):
        MotionPredictor(tiny(), device="abacus")


def test_reach_when_the_network_has_bins_then_in_pixels_of_the_picture():
    bins = ModelConfig(image_encoder="resnet18", decoder="plain")
    predictor = MotionPredictor(tiny(config=bins), device="cpu", short_side=60)
    with pytest.raises(NotReadyError):
        _ = predictor.reach_px
    predictor.set_image(picture())
    assert predictor.reach_px == pytest.approx(2 * (50 - 50 / 99))


def test_reach_when_the_network_has_no_bound_then_none():
    assert MotionPredictor(tiny(), device="cpu").reach_px is None


def test_predict_when_called_from_many_threads_then_each_gets_its_own_answer():
    predictor = ready()
    wanted = [([(10 * i + 5, 30)], [(i - 4, 2 * i)]) for i in range(8)]
    expected = [predictor.predict(*guidance) for guidance in wanted]
    answers = [None] * len(wanted)

    def work(index):
        for _ in range(3):
            answers[index] = predictor.predict(*wanted[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(wanted))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(a, b) for a, b in zip(answers, expected, strict=True))


def test_predict_when_the_gpu_has_no_memory_then_the_cpu_goes_on_and_says_so(monkeypatch, caplog):
    # There is no GPU here: the runner only believes that it is on one.
    decoder = FailingDecoder()
    predictor = ready(tiny(decoder))
    expected = predictor.predict(*ARROWS)
    heard = []
    predictor.set_on_notice(heard.append)
    monkeypatch.setattr(predictor._runner, "device", torch.device("cuda", 0))
    monkeypatch.setattr(Guidance, "to", lambda self, device: self)
    monkeypatch.setattr(runner_module, "describe_device", lambda device: f"Card ({device})")
    network = predictor._runner._network
    network.flow_decoder.errors = [torch.OutOfMemoryError("CUDA out of memory.")]

    flow = predictor.predict(*ARROWS)

    assert np.allclose(flow, expected)
    assert predictor.device == torch.device("cpu")
    assert heard == [predictor.notice]
    assert "Card (cuda:0) has not enough memory" in predictor.notice
    assert "CPU" in predictor.notice
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_predict_when_the_cpu_has_no_memory_then_device_error(error):
    with pytest.raises(DeviceError, match="enough memory"):
        ready(tiny(FailingDecoder(error))).predict(*ARROWS)


def test_predict_when_the_network_fails_otherwise_then_the_error_is_not_hidden():
    with pytest.raises(RuntimeError, match="shapes"):
        ready(tiny(FailingDecoder(RuntimeError("wrong shapes")))).predict(*ARROWS)


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["resnet50_skip", "default"])
@pytest.mark.parametrize("precision", ["float32", "half", "auto"])
def test_predict_when_on_cuda_then_equal_to_the_cpu(name, precision):
    torch.manual_seed(1)
    network = build_network(preset(name)).eval()
    image = picture(200, 300)
    cpu = ready(network, image).predict(*ARROWS, upsampling="bilinear")
    predictor = MotionPredictor(network, device="cuda", precision=precision)
    predictor.set_image(image)
    # Several times: the first calls run plainly, later ones as a captured graph.
    flows = [predictor.predict(*ARROWS, upsampling="bilinear") for _ in range(5)]
    tolerance = 1e-3 if precision == "float32" else 0.02 * max(1.0, np.abs(cpu).max())
    for flow in flows:
        assert np.abs(flow - cpu).max() < tolerance
    other = ([(50, 50)], [(3, 9)])
    assert np.abs(predictor.predict(*other) - predictor.predict_many([other])[0]).max() < tolerance


@pytest.mark.cuda
def test_predict_when_cuda_memory_is_taken_then_the_cpu_answers(caplog):
    predictor = MotionPredictor(tiny(), device="cuda")
    predictor.set_image(picture())
    expected = predictor.predict(*ARROWS)
    predictor._runner._network.flow_decoder.propagate = _raise_out_of_memory_on_cuda(
        predictor._runner._network.flow_decoder.propagate
    )
    flow = predictor.predict(*ARROWS)
    assert predictor.device == torch.device("cpu")
    assert np.abs(flow - expected).max() < 0.05
    assert caplog.records


def _raise_out_of_memory_on_cuda(propagate):
    def wrapped(prepared, motion):
        if motion[0].is_cuda:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return propagate(prepared, motion)

    return wrapped
