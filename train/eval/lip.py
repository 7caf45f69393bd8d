"""Human parsing on LIP, single-person and multi-person (CIHP), as in table 3 of the paper.

::

    python -m train.eval.lip --config train/configs/lip_single.toml --encoder WEIGHTS --out runs/cmp
    python -m train.eval.lip --config train/configs/lip_multi.toml --encoder imagenet --out runs/in
    python -m train.eval.lip --out runs/cmp --evaluate-only --ensemble runs/in

Fine-tunes an encoder with an FCN head and prints the mIoU over 20 classes. ``--ensemble`` averages
the class probabilities with those of a second run (the star row: ours and ImageNet). Run the same
command again to go on where it stopped. The paper leaves the recipe to its supplement; the configs
say what is taken instead.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from train.eval.transfer.command import build_pictures_task, run_task


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done or stopped in time, 1 failed on the input."""
    return run_task("lip", __doc__, ["lip", "cihp"], build_pictures_task, arguments)


if __name__ == "__main__":
    sys.exit(main())
