"""Instance segmentation: Mask R-CNN with a feature pyramid on an encoder (paper sec. 4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from pycocotools import mask as coco_mask
from pycocotools.cocoeval import COCOeval
from torch import Tensor, distributed
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN

from cmp_engine.geometry import IMAGE_MEAN, IMAGE_STD
from train.distributed import World
from train.eval.transfer.coco_files import CocoFiles, empty_results, quiet
from train.eval.transfer.crops import EpochOrder
from train.eval.transfer.encoder import TransferEncoder, resnet_trunk, set_norm
from train.eval.transfer.recipe import TransferRecipe

_KINDS: Final = (("bbox", "box"), ("segm", "mask"))
_NAMES: Final = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")

Detection = dict[str, Any]
"""An object that was found, in the form of COCO's results files, with a box and a mask."""


@dataclass(frozen=True, slots=True)
class InstanceBatch:
    """Pictures for one forward pass.

    Attributes:
        images: (3, H, W) float32 RGB 0 to 1 each, of any size.
        targets: What is on each, as `CocoFiles.target` gives it.
    """

    images: list[Tensor]
    targets: list[dict[str, Tensor]]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.images)


class InstanceTask:
    """Fine-tunes and judges Mask R-CNN on COCO.

    Args:
        network: On its device already; it is changed by the run.
        train: What to learn from.
        validation: What to judge on.
        recipe: Sizes, batches and seed.
        device: Of the network.
    """

    encoder_prefix = "backbone.body."

    def __init__(
        self,
        network: MaskRCNN,
        train: CocoFiles,
        validation: CocoFiles,
        recipe: TransferRecipe,
        device: torch.device,
    ) -> None:
        self.network = network
        self.train = train
        self.validation = validation
        self._recipe = recipe
        self._device = device
        self._order = EpochOrder(max(1, len(train)), recipe.seed)

    @property
    def size(self) -> int:
        """Short side of the pictures in evaluation, px."""
        return self._recipe.detection.short_side

    def batch(self, step: int, part: int) -> InstanceBatch:
        """Return micro-batch ``part`` of step number ``step``."""
        schedule = self._recipe.schedule
        count = schedule.batch // schedule.micro_batches
        first = step * schedule.batch + part * count
        images, targets = [], []
        for position in range(first, first + count):
            index = self._order[position]
            image, target = self._image(self.train, index), self.train.target(index)
            generator = np.random.default_rng((self._recipe.seed, 2, position))
            if self._recipe.crop.flip and generator.random() < 0.5:
                image, target = mirrored(image, target)
            images.append(image.to(self._device))
            targets.append({key: value.to(self._device) for key, value in target.items()})
        return InstanceBatch(images, targets)

    def loss(self, batch: InstanceBatch) -> dict[str, Tensor]:
        """Return the sum of Mask R-CNN's five losses under ``loss``, and each of them."""
        parts: dict[str, Tensor] = self.network(batch.images, batch.targets)
        total = torch.stack(list(parts.values())).sum()
        return {"loss": total} | {key: value.detach() for key, value in parts.items()}

    def evaluate(self, world: World) -> dict[str, float]:
        """Return COCO's average precisions, 0 to 1, over all pictures in all processes."""
        mine = [
            found
            for index in range(world.rank, len(self.validation), world.size)
            for found in self.detect(index)
        ]
        gathered: list[list[Detection]] = [mine]
        if world.size > 1:
            gathered = [[] for _ in range(world.size)]
            distributed.all_gather_object(gathered, mine)
        found = [detection for some in gathered for detection in some]
        found.sort(key=lambda detection: int(detection["image_id"]))  # as one process finds them
        return average_precisions(self.validation, found)

    @torch.no_grad()
    def detect(self, index: int) -> list[Detection]:
        """Return what the network finds on a validation picture, best first."""
        was_training, sizes = self.network.training, self.network.transform.min_size
        self.network.eval()
        self.network.transform.min_size = (self._recipe.detection.short_side,)
        try:
            answer = self.network([self._image(self.validation, index).to(self._device)])[0]
        finally:
            self.network.transform.min_size = sizes
            self.network.train(was_training)
        masks = (answer["masks"][:, 0] > 0.5).to(torch.uint8).cpu().numpy()
        boxes = answer["boxes"].clone()
        boxes[:, 2:] -= boxes[:, :2]
        found = []
        for number, mask in enumerate(masks):
            runs = coco_mask.encode(np.asfortranarray(mask))
            runs["counts"] = runs["counts"].decode("ascii")
            found.append(
                {
                    "image_id": self.validation.image_ids[index],
                    "category_id": self.validation.category_ids[int(answer["labels"][number]) - 1],
                    "score": float(answer["scores"][number]),
                    "bbox": boxes[number].tolist(),
                    "segmentation": runs,
                }
            )
        return found

    def _image(self, files: CocoFiles, index: int) -> Tensor:
        return torch.from_numpy(files.picture(index)).permute(2, 0, 1).float() / 255


def mirrored(image: Tensor, target: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return a picture and what is on it as a mirror shows them."""
    width = image.shape[-1]
    boxes = target["boxes"].clone()
    boxes[:, [0, 2]] = width - target["boxes"][:, [2, 0]]
    flipped = {"boxes": boxes, "masks": target["masks"].flip(-1)}
    return image.flip(-1), {**target, **flipped}


def average_precisions(truth: CocoFiles, found: Sequence[Detection]) -> dict[str, float]:
    """Return ``box_ap`` and ``mask_ap``, and under ``box/…`` and ``mask/…`` those of parts, 0 to 1.

    Sizes that no object has are left out. pycocotools does the counting.
    """
    scores: dict[str, float] = {}
    parts: dict[str, float] = {}
    for kind, name in _KINDS:
        keys = ("image_id", "category_id", "score", "bbox" if kind == "bbox" else "segmentation")
        results = [{key: one[key] for key in keys} for one in found]
        with quiet():
            answer = truth.coco.loadRes(results) if results else empty_results(truth.coco)
            judge = COCOeval(truth.coco, answer, kind)
            judge.params.imgIds = list(truth.image_ids)
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
        values = dict(zip(_NAMES, (float(value) for value in judge.stats[:6]), strict=True))
        scores[f"{name}_ap"] = values["ap"]
        parts |= {f"{name}/{key}": value for key, value in values.items() if value >= 0}
    return scores | parts


def build_mask_rcnn(
    encoder: TransferEncoder, recipe: TransferRecipe, classes: int, device: torch.device
) -> MaskRCNN:
    """Return Mask R-CNN with a feature pyramid on an encoder, drawn with the recipe's seed.

    Args:
        encoder: A ResNet; all of its layers are trained.
        recipe: Sizes, norms and seed.
        classes: How many there are, without the background.
        device: Where to put the network.

    Raises:
        TrainConfigError: The encoder is no ResNet.
    """
    torch.manual_seed(recipe.seed)
    sizes = recipe.detection
    trunk = set_norm(resnet_trunk(encoder), recipe.encoder.norm)
    widest = encoder.channels
    backbone = BackboneWithFPN(
        trunk,
        return_layers={f"layer{level}": str(level - 1) for level in (1, 2, 3, 4)},
        in_channels_list=[widest // 8, widest // 4, widest // 2, widest],
        out_channels=sizes.channels,
    )
    network = MaskRCNN(
        backbone,
        num_classes=classes + 1,
        min_size=sizes.short_sides,
        max_size=sizes.max_side,
        box_batch_size_per_image=sizes.proposals,
        box_detections_per_img=sizes.detections,
        image_mean=[value / 255 for value in IMAGE_MEAN],
        image_std=[value / 255 for value in IMAGE_STD],
    )
    return network.to(device)
