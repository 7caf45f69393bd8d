import numpy as np
import pytest

from cmp_engine.errors import ImageError
from cmp_engine.motion_layers import LayerStack, MotionLayer
from cmp_engine.sequence import FrameRenderer, Guidance

HEIGHT, WIDTH = 60, 100


class Everywhere:
    """Moves all of the picture as its only arrow says."""

    reach_px = None
    image_hw = (HEIGHT, WIDTH)

    def set_image(self, image):
        self.image_hw = image.shape[:2]

    def predict_many(self, guidance, *, size_hw=None):
        shape = size_hw or self.image_hw
        return np.stack([np.tile(np.float32(vectors[0]), (*shape, 1)) for _, vectors in guidance])


def box(top, bottom, left, right, value=1.0):
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[top:bottom, left:right] = value
    return mask


def coloured():
    """Grey ground, a red box on the left, a blue box on the right."""
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    image[20:40, 15:35] = (220, 30, 30)
    image[15:45, 50:70] = (30, 30, 220)
    return image


RED, BLUE = box(20, 40, 15, 35), box(15, 45, 50, 70)
STILL = Guidance([], [])


def right(distance):
    return Guidance([[25, 30]], [[distance, 0]])


def rendered(masks, guidance, *, base_place=0, **options):
    image = coloured()
    layers = [MotionLayer(Everywhere(), mask) for mask in masks]
    renderer = FrameRenderer(Everywhere(), image, layers=layers, base_place=base_place, **options)
    return renderer.frame([], [], layers=guidance)


def test_layer_when_it_moves_then_only_what_is_in_its_mask_goes_along():
    frame = rendered([RED], [right(10)])
    assert (frame.flow[RED > 0] == (10, 0)).all()
    assert not frame.flow[RED == 0].any()
    assert (frame.image[22:38, 28:43] == (220, 30, 30)).all()
    assert np.array_equal(frame.image[:, 55:], coloured()[:, 55:])


@pytest.mark.parametrize(("order", "winner"), [((0, 1), (30, 30, 220)), ((1, 0), (220, 30, 30))])
def test_layers_when_they_cross_then_the_later_is_in_front(order, winner):
    masks, guidance = [RED, BLUE], [right(30), STILL]
    frame = rendered([masks[i] for i in order], [guidance[i] for i in order])
    assert (frame.image[24:36, 54:60] == winner).all()  # where the red box lands on the blue one


def test_layer_when_behind_the_rest_then_vanishes_behind_it():
    frame = rendered([RED], [right(30)], base_place=1)
    assert (frame.image[24:36, 54:60] == (30, 30, 220)).all()
    assert frame.holes[24:36, 18:30].all()  # what it uncovers


def test_layer_when_masks_overlap_then_a_pixel_goes_with_the_one_in_front():
    frame = rendered([box(20, 40, 10, 60), box(20, 40, 40, 90)], [right(5), right(-5)])
    assert (frame.flow[30, 15:40] == (5, 0)).all()
    assert (frame.flow[30, 40:85] == (-5, 0)).all()


def test_layer_when_its_mask_is_soft_then_motion_fades_in_it():
    ramp = np.broadcast_to(np.linspace(0, 1, WIDTH, dtype=np.float32), (HEIGHT, WIDTH)).copy()
    flow = rendered([ramp], [right(4)]).flow
    assert np.allclose(flow[..., 0], 4 * ramp, atol=0.06)


def test_layer_when_it_has_no_mask_then_takes_what_it_moves():
    class Half(Everywhere):
        def predict_many(self, guidance, *, size_hw=None):
            flows = super().predict_many(guidance, size_hw=size_hw)
            flows[:, :, 50:] = 0
            return flows

    image = coloured()
    renderer = FrameRenderer(Everywhere(), image, layers=[MotionLayer(Half())])
    flow = renderer.frame([[80, 10]], [[0, 6]], layers=[right(6)]).flow
    assert (flow[:, 5:45] == (6, 0)).all()
    assert (flow[:, 55:] == (0, 6)).all()


def test_layer_when_frozen_pixels_are_in_it_then_they_stay():
    frame = rendered([RED], [right(10)], freeze=box(0, 30, 0, WIDTH))
    assert not frame.flow[:30].any()
    assert (frame.flow[31:39, 16:34] == (10, 0)).all()


def test_layers_when_all_rest_then_the_frame_is_the_picture():
    frame = rendered([RED, None], [STILL, STILL])
    assert np.array_equal(frame.image, coloured())


def test_stack_when_masks_are_soft_then_shares_add_up_to_one():
    rng = np.random.default_rng(3)
    masks = [rng.random((4, 5)).astype(np.float32) for _ in range(3)]
    keeps = LayerStack(masks, base_place=1).keeps
    assert np.allclose(sum(keeps), 1, atol=1e-6)


def test_stack_when_the_base_has_no_such_place_then_refuses():
    with pytest.raises(ImageError, match="place 0 to 1"):
        LayerStack([None], base_place=2)


def test_guidance_when_it_goes_by_way_of_a_pose_then_looks_again_there():
    class Counted(Everywhere):
        def __init__(self):
            self.seen = []

        def set_image(self, image):
            super().set_image(image)
            self.seen.append(image)

    image, predictor = coloured(), Counted()
    renderer = FrameRenderer(predictor, image)
    frame = renderer.frame([[25, 30]], [[9, 3]], via=[[[6, 0]]])
    assert np.allclose(frame.flow[:50, :85], (9, 3), atol=1e-3)
    assert np.array_equal(frame.image[3:50, 9:85], image[:47, :76])  # resampled once
    assert len(predictor.seen) == 2  # moved by 6, 0, and the picture again
    assert np.array_equal(predictor.seen[0][:, 6:], image[:, :-6])
    assert predictor.seen[1] is image


def test_feather_when_a_step_is_added_then_motion_grows_on_without_a_jump():
    image = coloured()
    freeze = np.full((HEIGHT, WIDTH), 0.4, np.float32)
    predictor = Everywhere()
    predictor.reach_px = 10
    renderer = FrameRenderer(predictor, image, freeze=freeze)
    flows = [renderer.frame([[25, 30]], [[d, 0]]).flow[30, 25, 0] for d in (9.9, 10, 10.1, 20)]
    assert np.allclose(flows, [5.94, 6.0, 6.06, 12.0], atol=0.02)
