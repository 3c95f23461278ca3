"""How well images are rebuilt, from the whole code and from a half, and what a half erases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import torch

from routed_envs.data.digits import Digits
from routed_rl.studies.digits.digits_methods import FIRST_HIGH, HALVES, DigitsMethod
from routed_rl.studies.digits.split_autoencoder import SplitAutoencoder
from routed_rl.studies.study_task import Figures

KINDS: tuple[str, str] = ("absolute", "squared")
"""Errors per pixel, of ink from -1 to 1."""
DIGITS = range(10)


def errors(rebuilt: torch.Tensor, images: torch.Tensor, kind: str = "absolute") -> torch.Tensor:
    """Each image's mean error over its pixels, float [B]."""
    apart = rebuilt - images
    return (apart.abs() if kind == "absolute" else apart.square()).mean(1)


@torch.no_grad()
def digits_figures(
    model: SplitAutoencoder, training: Digits, testing: Digits, device: torch.device
) -> Figures:
    """The mean error of each digit's images, in both kinds, and how many they are.

    Args:
        model: The network.
        training: Their best constant image is judged too: the median for absolute errors, the mean
            for squared ones.
        testing: What is rebuilt.
        device: Where the network is.

    Returns:
        For `decoder`, `low`, `high` and `constant`: `absolute` and `squared`, for each digit.
    """
    images = testing.images.to(device)
    codes = model.encoder(images)
    is_high = (testing.numbers >= FIRST_HIGH).to(device)
    decoded = model.rebuild(codes)
    whole = torch.where(is_high[:, None], decoded[-1], decoded[0])
    rebuilt = {"decoder": dict.fromkeys(KINDS, whole)}
    rebuilt |= {name: dict.fromkeys(KINDS, image) for name, image in model.certify(codes).items()}
    constant = {"absolute": training.images.median(0).values, "squared": training.images.mean(0)}
    rebuilt["constant"] = {kind: image.to(device)[None] for kind, image in constant.items()}
    numbers = testing.numbers.to(device)
    return {
        name: {k: _by_digit(errors(v, images, k), numbers) for k, v in kinds.items()}
        for name, kinds in rebuilt.items()
    }


def _by_digit(found: torch.Tensor, numbers: torch.Tensor) -> list[float]:
    return [round(float(found[numbers == digit].mean()), 5) for digit in DIGITS]


def group_mean(by_digit: Sequence[float], group: str) -> float:
    """The mean error of a group's digits, each of which counts the same."""
    chosen = by_digit[:FIRST_HIGH] if group == "low" else by_digit[FIRST_HIGH:]
    return sum(chosen) / len(chosen)


def _is_better(
    decoder: Mapping[str, Sequence[float]], constant: Mapping[str, Sequence[float]]
) -> bool:
    """Whether a whole code rebuilds both groups better than one image for all; else it is dead."""
    kind = KINDS[0]
    return all(group_mean(decoder[kind], one) < group_mean(constant[kind], one) for one in HALVES)


def erased(
    figures: Figures,
    half: str,
    group: str,
    decoder: Mapping[str, Sequence[float]],
    kind: str = "absolute",
) -> float:
    """How much of a group's digits a half of the code lacks: 0 nothing, 1 all.

    (certificate - decoder) / (constant - decoder), of their errors: it does not depend on the size
    of the network and the kind of error as the errors do.

    Args:
        figures: As `digits_figures` gives them.
        half: The half that was tried.
        group: The digits, low or high.
        decoder: The errors of a network that may use everything.
        kind: Of the errors.
    """
    best = group_mean(decoder[kind], group)
    tried, worst = (group_mean(figures[name][kind], group) for name in (half, "constant"))
    return (tried - best) / (worst - best)


def summarised(
    figures: Figures,
    method: DigitsMethod,
    decoder: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, float | None]:
    """The numbers by which rows are compared.

    Args:
        figures: As `digits_figures` gives them.
        method: The row; of the halves that it fills with digits of their own the mean is taken.
        decoder: The errors of a network that may use everything. The network's own if None; but a
            row that leaves out digits has none for them, and then nothing that is erased is known;
            nor is it where the whole code is no better than a constant image.

    Returns:
        `decoder` and `constant`, absolute errors over all digits. Where halves were tried: `own`
        and `foreign`, the absolute error of the high half on digits it should know and on
        others; the same `_squared`; `erased_own`, `erased_foreign` and their difference `contrast`,
        of absolute errors, the mean over the filled halves.
    """
    found: dict[str, float | None] = {
        name: sum(figures[name]["absolute"]) / len(DIGITS) for name in ("decoder", "constant")
    }
    if "high" not in figures:
        return found
    for kind, ending in zip(KINDS, ("", "_squared"), strict=True):
        found[f"own{ending}"] = group_mean(figures["high"][kind], "high")
        found[f"foreign{ending}"] = group_mean(figures["high"][kind], "low")
    if decoder is None and not method.left_out:
        decoder = figures["decoder"]
    if decoder is None or not _is_better(decoder, figures["constant"]):
        return found | dict.fromkeys(("erased_own", "erased_foreign", "contrast"))
    pairs = [(half, group) for half in method.filled for group in HALVES]
    own, foreign = (
        fmean(erased(figures, *pair, decoder) for pair in pairs if (pair[0] == pair[1]) == same)
        for same in (True, False)
    )
    return found | {"erased_own": own, "erased_foreign": foreign, "contrast": foreign - own}
