"""Maps PyTorch's large libraries into memory without stopping Python's other threads."""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import sys
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

_FIRST: Final = "libtorch_global_deps.so"
_LIBRARIES: Final = ("libc10.so", "libtorch_cpu.so", "libtorch_cuda.so", "libtorch_python.so")


def preload_torch() -> int:
    """Load the libraries that ``import torch`` would load, and return how many it were.

    Python holds its lock while it loads an extension module; for PyTorch that is half a second, in
    which the window stands still. A call through ctypes gives the lock away, and the import finds
    the libraries loaded already. Elsewhere than on Linux, and where PyTorch is built otherwise,
    nothing is done: the import then does it all.

    Thread: the one that will import PyTorch.
    """
    if "torch" in sys.modules or not sys.platform.startswith("linux"):
        return 0
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return 0
    folder = Path(spec.origin).parent / "lib"
    try:
        libc = ctypes.CDLL(None)
        libc.dlopen.argtypes = [ctypes.c_char_p, ctypes.c_int]
        libc.dlopen.restype = ctypes.c_void_p
    except (OSError, AttributeError) as error:
        log.info("PyTorch's libraries are not loaded ahead: %s", error)
        return 0
    # The first one is loaded as PyTorch itself does it, so that all see the same symbols.
    modes = {_FIRST: os.RTLD_NOW | os.RTLD_GLOBAL}
    loaded = 0
    for name in (_FIRST, *_LIBRARIES):
        path = folder / name
        if path.is_file() and libc.dlopen(os.fsencode(path), modes.get(name, os.RTLD_LAZY)):
            loaded += 1
    return loaded
