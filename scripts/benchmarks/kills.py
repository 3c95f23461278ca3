"""Kill the commands with SIGKILL, at random moments and in the middle of their writing.

    python -m scripts.benchmarks.kills            about ten minutes

After each kill the same command is given once more. Nothing that was finished may be lost or done
again, everything must hold the same bits as without a kill, no process may go on, and nothing that
was half-written may be left. Exits with 1 if anything is otherwise. Linux alone.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.benchmarks.attempts import command_line
from scripts.benchmarks.measure import Row, print_rows, start, timed
from scripts.benchmarks.sweeps import finished, trainers

SIZES = (
    *("--rows", "3", "--cols", "3", "--environments", "8", "--rollout-steps", "8"),
    *("--expert-widths", "16", "--gate-widths", "8", "--value-widths", "8"),
    *("--evaluate-every", "20"),
)
TRAIN = ("train", *SIZES, "--updates", "60", "--device", "cpu", "--resume", "--out", "run")
SWEEP = (
    *("sweep", *SIZES, "--updates", "40", "--methods", "routed", "naive", "--seeds", "2"),
    *("--jobs", "2", "--out", "sweep"),
)
LOOKS: dict[str, tuple[str, ...]] = {
    "report": ("report", "sweep"),
    "render": ("render", "run", "--episodes", "1"),
    "export": ("export", "run"),
    "explore": ("explore", "run"),
}
"""What looks at finished runs, in the order in which it is killed."""
ORPHAN_SECONDS = 120.0
"""A run's process ends when its sweep is gone, but not before it is loaded: on a busy machine so
late at the latest."""
UNLIKE = ("lock", "checkpoint.pt", "state.json", "said", "writes")
"""Files that are not the same each time, or that nobody reads once a run is finished."""
TIMINGS = ("timing", "seconds")


@dataclass
class Tally:
    """What was killed, and what was wrong afterwards.

    Attributes:
        name: The command.
        moments: How often the command was killed before it ended.
        faults: What was wrong, a line each.
    """

    name: str
    moments: int = 0
    faults: list[str] = field(default_factory=list)

    def row(self) -> Row:
        """The figures as a row of the table."""
        text = f"killed {self.moments} times, {len(self.faults)} faults"
        return Row(self.name, text, "0 faults", bool(self.faults))


def at_writing(act: Callable[[int, bool], object]) -> None:
    """Let this process save at every update, and do something around each file that it writes.

    Args:
        act: Takes the file's number, from 1 on, and whether it is about to appear.
    """
    replace, now, calls = os.replace, time.monotonic, 0

    def noticed(*places: Any) -> None:
        nonlocal calls
        calls += 1
        act(calls, True)
        replace(*places)
        act(calls, False)

    # Time passes a thousand times as fast: a checkpoint is due at every update.
    time.monotonic = lambda: 1000 * now()
    os.replace = noticed


def die_writing(moment: tuple[int, bool]) -> None:
    """Let this process be killed at a file that it writes: half-written, or right after."""

    def die(*here: Any) -> None:
        if here == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    at_writing(die)


def count_writing() -> None:
    """Let this process leave word of how many files it wrote."""
    at_writing(lambda count, before: Path("writes").write_text(str(count)))


def begin(words: tuple[str, ...], folder: Path, prepare: Callable[[], object]) -> int:
    """Start a command in a folder; returns its process, which has everything loaded already.

    Args:
        words: The command.
        folder: The current one; what the command says goes into its file `said`.
        prepare: Called in the process before the command.
    """
    process = os.fork()
    if process:
        return process
    os.chdir(folder)
    said = os.open("said", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        prepare()
        code = command_line(words)
        sys.stdout.flush()
    except BaseException:  # Nothing may go on in the name of this program.
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)


def ended(process: int) -> int:
    """Wait for a process; its exit code, or less than 0 if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def kill(
    words: tuple[str, ...], folder: Path, chance: random.Random, seconds: float, writes: int
) -> bool:
    """Start a command in a folder and kill it; returns whether it was killed before it ended.

    Args:
        words: The command.
        folder: The current one.
        chance: Decides when: at a moment, or at a file that it writes.
        seconds: How long it takes.
        writes: How many files it writes.
    """
    if chance.random() < 0.5:
        moment = chance.randint(1, writes), chance.random() < 0.5
        process = begin(words, folder, lambda: die_writing(moment))
    else:
        process = begin(words, folder, lambda: None)
        time.sleep(chance.uniform(0.0, seconds))
        os.kill(process, signal.SIGKILL)
    return ended(process) == -signal.SIGKILL


def go_on(words: tuple[str, ...], folder: Path) -> list[str]:
    """Give the command once more; what was wrong with that."""
    faults = [f"process {number} goes on: {_words(number)}" for number in lasting(folder)]
    code = ended(begin(words, folder, lambda: None))
    if code:
        faults.append(f"exit code {code}: {(folder / 'said').read_text()[-500:]}")
    return faults + [f"{path} was left" for path in folder.rglob("*.partial")]


def lasting(folder: Path) -> list[int]:
    """Processes that work in the folder, and do not end soon."""
    end = time.monotonic() + ORPHAN_SECONDS
    while (found := trainers(folder)) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _words(process: int) -> str:
    """A process's words, and its state: one that somebody else stopped (T) cannot end."""
    with suppress(OSError):
        place = Path("/proc") / str(process)
        state = (place / "stat").read_text().rpartition(") ")[2][0]
        return f"{(place / 'cmdline').read_text()[:200]} ({state})".replace("\0", " ")
    return "gone now"


def bits(folder: Path) -> dict[str, Any]:
    """All files of a folder, without what tells the time."""
    return {
        str(path.relative_to(folder)): _content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in UNLIKE
    }


def _content(path: Path) -> Any:
    if path.suffix not in (".json", ".jsonl"):
        return path.read_bytes()
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    return [_timeless(json.loads(line)) for line in lines]


def _timeless(content: Any) -> Any:
    """JSON without the entries that tell how long something took, or will."""
    if not isinstance(content, dict):
        return content
    kept = {k: v for k, v in content.items() if k not in (*TIMINGS, "expected_seconds")}
    return {name: _timeless(value) for name, value in kept.items()}


def unlike(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """A line for each file that differs."""
    names = sorted(first.keys() | second.keys())
    return [f"{name} differs" for name in names if first.get(name) != second.get(name)]


def killed_again_and_again(
    name: str,
    words: tuple[str, ...],
    moments: int,
    chance: random.Random,
    source: Path | None = None,
) -> Tally:
    """Kill a command at moments, each in a new folder, and go on.

    Args:
        name: The command's, for people.
        words: The command.
        moments: How many.
        chance: Decides when.
        source: A folder with what the command needs, which is copied.
    """
    tally = Tally(name)
    if not moments:
        return tally
    with tempfile.TemporaryDirectory() as place:
        whole, counted = (prepared(Path(place) / name, source) for name in ("whole", "counted"))
        seconds, expected = timed(give, words, whole)[1], bits(whole)
        give(words, counted, count_writing)
        writes = int((counted / "writes").read_text())
        tally.faults += [
            f"{name}, saved at every update: {u}" for u in unlike(expected, bits(counted))
        ]
        for moment in range(moments):
            tally.moments += 1
            folder = prepared(Path(place) / str(moment), source)
            while not kill(words, folder, chance, seconds, writes):
                shutil.rmtree(folder)  # It was quicker.
                folder, seconds = prepared(folder, source), 0.9 * seconds
            done = finished(folder / "sweep")
            faults = go_on(words, folder) + unlike(expected, bits(folder))
            faults += [f"{p} was done again" for p, t in done.items() if p.stat().st_mtime_ns != t]
            tally.faults += [f"{name}, moment {moment}: {fault}" for fault in faults]
            print(f"{name} {moment + 1}: {len(faults)} faults", file=sys.stderr)
            shutil.rmtree(folder)
    return tally


def prepared(folder: Path, source: Path | None) -> Path:
    """A new folder, with a copy of what lies in another one."""
    if source is None:
        folder.mkdir()
    else:
        shutil.copytree(source, folder)
    return folder


def give(
    words: tuple[str, ...], folder: Path, prepare: Callable[[], object] = lambda: None
) -> None:
    """Run a command to its end, in a process that was prepared; it must succeed."""
    code = ended(begin(words, folder, prepare))
    assert code == 0, f"{words} ended with {code}: {(folder / 'said').read_text()}"


def main(train: int = 40, sweep: int = 20, looks: int = 20, seed: int = 0) -> int:
    """Kill everything, and print what was wrong; returns the exit code.

    Args:
        train: Moments at which training is killed.
        sweep: The same of a sweep.
        looks: The same of report, render, export and explore together.
        seed: Decides the moments.
    """
    chance = random.Random(seed)
    tallies = [
        killed_again_and_again("train", TRAIN, train, chance),
        killed_again_and_again("sweep", SWEEP, sweep, chance),
    ]
    with tempfile.TemporaryDirectory() as place:
        for words in (TRAIN, SWEEP) if looks else ():
            give(words, Path(place))
        for index, (name, words) in enumerate(LOOKS.items()):
            moments = len(range(index, looks, len(LOOKS)))
            tallies.append(killed_again_and_again(name, words, moments, chance, Path(place)))
    for tally in tallies:
        for fault in tally.faults:
            print(fault, file=sys.stderr)
    return print_rows([tally.row() for tally in tallies])


if __name__ == "__main__":
    start(main, __doc__)
