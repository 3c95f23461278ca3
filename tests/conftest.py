"""Settings for every test."""

import os

import torch

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # `human` rendering without a display.
torch.set_num_threads(1)
