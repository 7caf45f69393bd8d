"""``python -m cmp_studio``, and what the ``cmp-studio`` command runs."""

from __future__ import annotations

import sys

from cmp_studio.cli import main

if __name__ == "__main__":
    sys.exit(main())
