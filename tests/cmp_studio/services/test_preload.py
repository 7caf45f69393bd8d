import subprocess
import sys

import pytest

from cmp_studio.services.preload import preload_torch

CODE = """
import sys, threading
from cmp_studio.services.preload import preload_torch
counts = []
thread = threading.Thread(target=lambda: counts.append(preload_torch()))
thread.start()
thread.join()
assert "torch" not in sys.modules
import torch
assert float(torch.ones(3).sum()) == 3.0
assert torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)).shape[-1] == 2
print(counts[0])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="does nothing elsewhere")
def test_preload_when_before_the_import_then_torch_works_and_was_loaded_ahead():
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert int(run.stdout) >= 3


def test_preload_when_torch_is_there_then_nothing_is_done():
    import torch  # noqa: F401 - its presence is the point

    assert preload_torch() == 0
