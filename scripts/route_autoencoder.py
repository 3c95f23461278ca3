"""Gradient routing in plain PyTorch: an autoencoder whose code keeps two kinds of digits apart.

    pip install "routed-rl[studies]"                (for scikit-learn, which has the digits)
    python scripts/route_autoencoder.py             ten seconds

The whole of it is in this file; of ours it uses `route` alone. Digits 0 to 4 teach the low half of
the code, 5 to 9 the high half, and the decoder learns from all. A penalty keeps the code small, so
that a half holds nothing that it need not. In the end a least-squares fit tells what each half
holds: it rebuilds the images from that half alone.

**The trap.** The penalty belongs on the code as the encoder gave it. On the routed code it reaches
only the open half of each image, while every weight moves for all images: nothing holds back what
the closed half says of the other digits. It grows for as long as one trains, and both halves hold
everything in the end. `--penalise-routed` shows that.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
import tyro
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

import routed_rl
from routed_agents import route

CODE, HIDDEN, BATCH = 16, 128, 128
FIRST_HIGH = 5
"""Digits from this one on teach the high half."""
HALVES = {"low half": slice(0, CODE // 2), "high half": slice(CODE // 2, CODE)}


def images() -> tuple[torch.Tensor, torch.Tensor]:
    """The digits' images, float [1797, 64] from 0 to 1, and whether each is a high one, bool."""
    seen, digits = load_digits(return_X_y=True)
    images = torch.tensor(np.asarray(seen), dtype=torch.float32) / 16
    return images, torch.tensor(np.asarray(digits)) >= FIRST_HIGH


def network(inputs: int, outputs: int) -> nn.Sequential:
    """A network with one hidden layer."""
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs))


def routed_code(code: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """The same code [B, CODE], through each half of which only its own digits teach."""
    low_half, high_half = code.chunk(2, dim=1)
    return torch.cat([route(low_half, ~high), route(high_half, high)], dim=1)


def train(
    seen: torch.Tensor,
    high: torch.Tensor,
    steps: int,
    penalty: float,
    routed: bool,
    penalise_routed: bool,
    seed: int,
) -> tuple[nn.Sequential, nn.Sequential]:
    """An encoder and a decoder that learned to rebuild the images."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder, decoder = network(64, CODE), network(CODE, 64)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        batch = torch.randint(len(seen), (BATCH,), generator=generator)
        code = encoder(seen[batch])
        open_code = routed_code(code, high[batch]) if routed else code
        error = functional.mse_loss(decoder(open_code), seen[batch])
        size = (open_code if penalise_routed else code).abs().mean()  # The trap: see above.
        optimizer.zero_grad()
        (error + penalty * size).backward()
        optimizer.step()
    return encoder, decoder


@torch.no_grad()
def errors_from(code: torch.Tensor, seen: torch.Tensor, high: torch.Tensor) -> list[float]:
    """The mean squared error of low and high digits, rebuilt from some numbers by least squares."""
    inputs = torch.cat([code, torch.ones(len(code), 1)], dim=1)
    rebuilt = inputs @ torch.linalg.lstsq(inputs, seen, driver="gelsd").solution
    squared = (rebuilt - seen).square().mean(dim=1)
    return [float(squared[kind].mean()) for kind in (~high, high)]


def main(
    steps: int = 4000,
    penalty: float = 0.03,
    routed: bool = True,
    penalise_routed: bool = False,
    seed: int = 0,
) -> None:
    """Train, and print what each half of the code holds.

    Args:
        steps: Gradient steps.
        penalty: Weight of the code's mean size.
        routed: Route at all; without it both halves hold everything.
        penalise_routed: Put the penalty on the routed code, where it does not belong.
        seed: Decides everything.
    """
    torch.set_num_threads(1)  # So small a network is not faster on more.
    seen, high = images()
    encoder, _ = train(seen, high, steps, penalty, routed, penalise_routed, seed)
    with torch.no_grad():
        code = encoder(seen)
    print(f"{'rebuilt from':20}{'digits 0-4':>12}{'digits 5-9':>12}{'its size':>12}")
    parts = {name: code[:, half] for name, half in HALVES.items()}
    for name, part in {"the whole code": code, **parts, "one image for all": code[:, :0]}.items():
        errors = "".join(f"{error:12.4f}" for error in errors_from(part, seen, high))
        print(f"{name:20}{errors}" + (f"{part.abs().mean():12.2f}" if part.numel() else ""))


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: tyro.cli(main, description=__doc__)))
