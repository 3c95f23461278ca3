"""Methods that take their time, but not the processor's, until a file tells them to hurry.

A run of them is still training when a test comes to interrupt it, however fast or busy the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import SIZES

from routed_rl import TrainConfig

CODE = """
import dataclasses, pathlib, time
from routed_agents import get_method
from routed_envs.gridworld.world import OUTCOMES

def _patiently(rollout, memory, generator):
    if not pathlib.Path({hurry!r}).exists():
        time.sleep(0.1)
    return rollout.labels, memory

NAIVE, ROUTED = (
    dataclasses.replace(get_method(name, OUTCOMES), name=f"patient-{{name}}", relabel=_patiently)
    for name in ("naive", "routed")
)
"""


@dataclass(frozen=True)
class PatientMethods:
    """A module with two methods, a tenth of a second an update, and the file that ends it.

    Attributes:
        naive: How a configuration names the first one.
        routed: How a configuration names the second one.
        hurry: From when this file exists the methods are quick.
    """

    hurry: Path
    naive: str = "patient:NAIVE"
    routed: str = "patient:ROUTED"

    @classmethod
    def in_folder(cls, folder: Path) -> PatientMethods:
        """Write the module into a folder."""
        methods = cls(folder / "hurry")
        (folder / "patient.py").write_text(CODE.format(hurry=str(methods.hurry)))
        return methods

    def config(self, **changes: Any) -> TrainConfig:
        """A tiny configuration of the naive one, as the command line makes it."""
        return TrainConfig(method=self.naive, **SIZES | changes)
