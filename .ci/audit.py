"""Ask whether pinned versions have known holes.

    python .ci/audit.py constraints.txt

Needs pip-audit and a network. Exits with 1 if a version has a hole; where nobody answers it says so
and exits with 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

AUDIT = ("-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off")


def main(pins: str) -> int:
    """Audit the versions in a file; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        words = (*AUDIT, "--format", "json", "--output", str(found), "--requirement", pins)
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
        if not found.exists():
            print(f"No audit was made. Is there a network? pip-audit says:\n{done.stderr[-500:]}")
            return 0
        return verdict(json.loads(found.read_text()))


def verdict(found: dict[str, Any]) -> int:
    """Print what pip-audit found; returns the exit code."""
    packages = found["dependencies"]
    known = [package for package in packages if "vulns" in package]
    print(f"{len(known)} of {len(packages)} pinned versions were found by the service.")
    if not known:
        print("So no audit was made: this package index does not tell of holes.")
    holes = [(package, hole) for package in known for hole in package["vulns"]]
    for package, hole in holes:
        fixed = " or ".join(hole["fix_versions"]) or "no version"
        print(f"{package['name']} {package['version']}: {hole['id']}, fixed in {fixed}")
    return int(bool(holes))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
