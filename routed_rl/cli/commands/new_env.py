"""`routed-rl new-env`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

import tyro

from routed_agents.files import writable, write_atomically
from routed_envs.errors import InputError
from routed_rl.cli.terminal import program

TEMPLATE = "templates/new_env.py.txt"


@dataclass(frozen=True)
class NewEnv:
    """Write a file of thirty lines that puts an overseer over an environment, to start from.

    As it is, it trains: which side the pole of CartPole falls to.

    Attributes:
        file: The file, such as my_env.py; it must not be there yet.
    """

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]

    def run(self) -> None:
        """Write the file, and say how to train in it.

        Raises:
            InputError: The file is there already, or its name is no module's.
        """
        if self.file.suffix != ".py" or not self.file.stem.isidentifier():
            raise InputError(
                f"{self.file}: give a name that Python can import, letters, digits and _, such as "
                "my_env.py."
            )
        if self.file.exists():
            raise InputError(f"{self.file} is there already. Give another name.")
        template = resources.files("routed_rl.environments").joinpath(TEMPLATE).read_text()
        text = template.replace("{module}", self.file.stem)
        write_atomically(writable(self.file), text.encode())
        place = "" if self.file.parent == Path() else f" in the folder {self.file.parent}"
        print(f"Wrote {self.file}. Change it, and train{place} with:")
        print(f"  {program()} train --env {self.file.stem}:make_env --oversight 0.2")
