"""PASCAL VOC 2012 semantic segmentation (paper tables 1 and 2, figures 4 and 5).

::

    python -m train.eval.voc --config train/configs/voc_alexnet.toml --encoder runs/cmp --out runs/v
    torchrun --nproc-per-node 4 -m train.eval.voc --config train/configs/voc_resnet50.toml …

Fine-tunes an encoder with an FCN head and prints the mIoU over 21 classes, without the pixels that
are labelled 255, of whole pictures at their own size and one scale. Run the same command again to
go on where it stopped. The paper leaves the recipe to its supplement; the configs say what is taken
instead.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from train.eval.transfer.command import build_pictures_task, run_task


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done or stopped in time, 1 failed on the input."""
    return run_task("voc", __doc__, ["voc"], build_pictures_task, arguments)


if __name__ == "__main__":
    sys.exit(main())
