"""COCO 2017 instance segmentation with Mask R-CNN and FPN (paper table 2).

::

    python -m train.eval.coco --config train/configs/coco_resnet50.toml --encoder W --out runs/coco
    torchrun --nproc-per-node 8 -m train.eval.coco --config train/configs/coco_resnet50.toml …

Fine-tunes torchvision's Mask R-CNN on a ResNet-50 encoder and prints the average precision of boxes
and masks as pycocotools counts it. Run the same command again to go on where it stopped. The paper
leaves the recipe to its supplement; the config says what is taken instead.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch

from train.errors import DataError
from train.eval.transfer.coco_files import CocoFiles
from train.eval.transfer.command import run_task
from train.eval.transfer.encoder import TransferEncoder
from train.eval.transfer.instances import InstanceTask, build_mask_rcnn
from train.eval.transfer.recipe import TransferRecipe


def build(
    recipe: TransferRecipe, encoder: TransferEncoder, device: torch.device
) -> tuple[InstanceTask, str]:
    """Return the task, and what its data are in words."""
    data = recipe.data
    if not data.root:
        raise DataError("data.root is empty; set it to the folder of COCO 2017.")
    train = CocoFiles(data.root, data.train, only_labelled=True)
    validation = CocoFiles(data.root, data.validation, only_labelled=False)
    if train.category_ids != validation.category_ids:
        raise DataError(
            f"The annotations of {data.train} and {data.validation} below {data.root} have other "
            "categories; both must be of one release."
        )
    network = build_mask_rcnn(encoder, recipe, len(train.classes), device)
    words = (
        f"{len(train)} pictures of COCO {data.train}, judged on {len(validation)} of "
        f"{data.validation}"
    )
    return InstanceTask(network, train, validation, recipe, device), words


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done or stopped in time, 1 failed on the input."""
    return run_task("coco", __doc__, ["coco"], build, arguments)


if __name__ == "__main__":
    sys.exit(main())
