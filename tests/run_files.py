"""What the tests of runs share: the files of a run, and what of them must be equal."""

from __future__ import annotations

from pathlib import Path

from routed_rl import read_log

FILES = {
    "checkpoint.pt",
    "config.json",
    "evaluation.json",
    "lock",
    "log.jsonl",
    "policy.safetensors",
    "result.json",
}


def weights(folder: Path) -> bytes:
    return (folder / "policy.safetensors").read_bytes()


def without_timings(folder: Path) -> list[dict]:
    entries = read_log(folder / "log.jsonl")
    for entry in entries:
        del entry["timing"]
    return entries
