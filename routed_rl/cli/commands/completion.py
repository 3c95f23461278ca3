"""`routed-rl completion`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Completion:
    """Print what lets a shell complete commands and options.

    Keep it in a file where the shell looks for such; it holds from the next shell on:

    bash: routed-rl completion bash > ~/.local/share/bash-completion/completions/routed-rl

    zsh: routed-rl completion zsh > ~/.zfunc/_routed-rl (with fpath+=~/.zfunc before compinit)

    fish: routed-rl completion fish > ~/.config/fish/completions/routed-rl.fish

    Attributes:
        shell: For which shell: bash, zsh or fish.
    """

    shell: Annotated[Literal["bash", "zsh", "fish"], tyro.conf.Positional]

    def run(self) -> None:
        """Print the script."""
        from routed_rl.cli.main import parse  # It imports this.

        parse(["--tyro-print-completion", self.shell])
