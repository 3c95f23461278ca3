"""How well a score foretells an event: the receiver operating characteristic, with weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from routed_envs.errors import InputError, check_probability


class CertainEventError(InputError):
    """What always happens, or never, cannot be foretold."""


@dataclass(frozen=True)
class Roc:
    """What every threshold of a score catches, and how often it cries wolf.

    A threshold flags each case whose score is at least as large. Cases with equal scores are
    flagged together, so that they are one point of the curve.

    Attributes:
        thresholds: float64 [T], descending; the first one, infinity, flags nothing.
        false_alarms: float64 [T], the share of cases without the event that are flagged.
        detections: float64 [T], the share of cases with the event that are flagged.
        event_rate: How likely the event is, 0 to 1.
    """

    thresholds: torch.Tensor
    false_alarms: torch.Tensor
    detections: torch.Tensor
    event_rate: float

    @classmethod
    def of(cls, scores: torch.Tensor, events: torch.Tensor, weights: torch.Tensor) -> Roc:
        """The curve of some cases.

        Args:
            scores: float [N], the higher, the likelier the event should be.
            events: float [N], how likely the event is in each case, 0 to 1; for a sample 0 or 1.
            weights: float [N], how likely each case is, at least 0.

        Raises:
            CertainEventError: The event always happens, or never: there is nothing to foretell.
        """
        weights = weights.double() / weights.double().sum()
        events = events.double()
        found, place = scores.double().unique(return_inverse=True)
        positive, negative = (
            torch.zeros_like(found).index_add_(0, place, weights * share).flip(0).cumsum(0)
            for share in (events, 1 - events)
        )
        rate = float(positive[-1])
        if min(rate, float(negative[-1])) < 1e-9:
            raise CertainEventError(
                f"What is to be foretold has the probability {rate:g}, so there is nothing to "
                "tell apart. Give another world, oversight or expert."
            )
        nothing = torch.zeros(1, dtype=torch.float64)
        return cls(
            thresholds=torch.cat((nothing + torch.inf, found.flip(0))),
            false_alarms=torch.cat((nothing, negative / negative[-1])),
            detections=torch.cat((nothing, positive / positive[-1])),
            event_rate=rate,
        )

    @property
    def area(self) -> float:
        """The area under the curve: how likely a case with the event has the higher score.

        Of equal scores each counts half (Hanley and McNeil 1982).
        """
        return float(torch.trapezoid(self.detections, self.false_alarms))

    def at(self, false_alarm_rate: float) -> OperatingPoint:
        """The lowest threshold whose false alarms stay within a rate.

        Args:
            false_alarm_rate: 0 to 1.

        Raises:
            InputError: It is no rate.
        """
        check_probability("false_alarm_rate", false_alarm_rate)
        # Sums of shares may miss the rate by a rounding error.
        index = int((self.false_alarms <= false_alarm_rate + 1e-12).sum()) - 1
        return OperatingPoint(
            threshold=float(self.thresholds[index]),
            false_alarms=float(self.false_alarms[index]),
            detections=float(self.detections[index]),
        )

    def thinned(self, apart: float = 0.005) -> Roc:
        """The curve with fewer points, for a figure: none that is this near to the one before.

        Args:
            apart: The distance, in shares of either axis.
        """
        kept, last = [0], (0.0, 0.0)
        points = list(zip(self.false_alarms.tolist(), self.detections.tolist(), strict=True))
        for index, point in enumerate(points[1:], 1):
            if max(point[0] - last[0], point[1] - last[1]) >= apart or index == len(points) - 1:
                kept.append(index)
                last = point
        return Roc(
            thresholds=self.thresholds[kept],
            false_alarms=self.false_alarms[kept],
            detections=self.detections[kept],
            event_rate=self.event_rate,
        )


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it brings.

    Attributes:
        threshold: Flags each score that is at least as large; infinity flags nothing.
        false_alarms: The share of cases without the event that it flags.
        detections: The share of cases with the event that it flags.
    """

    threshold: float
    false_alarms: float
    detections: float
