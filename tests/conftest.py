"""Settings for every test, and what may be asked for by name."""

import os
import signal
import sys
from pathlib import Path

import pytest
import torch
from patient_methods import PatientMethods

# Tests compare bits and hand over tensors of the CPU. `CUDA_VISIBLE_DEVICES=0 pytest` tries a GPU.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.pop("COLUMNS", None)  # Processes beside each other are given the terminal's.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # `human` rendering without a display.
torch.set_num_threads(1)
# A shell that starts the tests in the background has Ctrl-C ignored, which every process inherits.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PatientMethods:
    """Methods whose runs last until they are told to hurry."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "patient", raising=False)  # Another test's.
    return PatientMethods.in_folder(tmp_path)
