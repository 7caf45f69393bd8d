"""The command line: ``cmp-studio [FILE]`` opens the window, a command works without one.

One module per command; each has ``add_parser`` and ``run``. What needs PyTorch or Qt is imported
when a command runs, so that ``--help`` answers at once.
"""

from cmp_studio.cli.main import main

__all__ = ["main"]
