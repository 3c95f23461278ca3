"""`routed-rl render`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import routed_rl
from routed_envs.errors import InputError
from routed_rl.cli.options import (
    File,
    Flag,
    Oversight,
    OwnEnv,
    OwnWorld,
    RunArgument,
    Steer,
    WorldOptions,
    optional,
)
from routed_rl.cli.terminal import working
from routed_rl.screen import say

if TYPE_CHECKING:
    from routed_agents import Policy
    from routed_rl import EnvironmentRun


@dataclass(frozen=True)
class Render:
    """Draw a trained policy: films of rollouts, a contact sheet, and what each expert would do.

    The film and the sheet show who was asked for with --steer; another film shows the mixture and
    every expert side by side, from the same starts. Of a run in an environment, or in a world of
    one's own, it is one film, of the pictures that the environment draws.

    Attributes:
        run_folder: The folder of a finished run, or a policy file.
        steer: Who acts in the film.
        world: The world's oversight.
        episodes: Episodes of the film.
        start: Where every episode starts, as rows and columns from 0, with the squares that are
            watched: agent=4,0 diamond=0,4 ghost=2,2 watched=0,4. Left out, by chance.
        failures: Show episodes that end on the ghost although the diamond could be reached.
        deterministic: Take the likeliest action instead of sampling.
        seed: Decides the starts and the actions.
        out: The film's file, a GIF, or an MP4 (pip install "routed-rl[video]"). Everything else
            goes beside it, under the same name.
    """

    run_folder: RunArgument
    steer: Steer = "deploy"
    own_world: OwnWorld = None
    own_env: OwnEnv = None
    world: WorldOptions = field(default_factory=Oversight)
    episodes: int = 4
    start: Annotated[tuple[str, ...] | None, optional("THING=ROW,COL [...]")] = None
    failures: Flag = False
    deterministic: Flag = False
    seed: int = 0
    out: File = None

    def run(self) -> None:
        """Draw, then print where the pictures are and what they show."""
        from routed_envs import DiamondGhostWorld
        from routed_rl.cli.policies import (
            changed_world,
            environment_run,
            load_with_world,
            parse_steering,
        )
        from routed_rl.pictures.rendering import film_file

        run = environment_run(self.run_folder, self.own_world, self.own_env)
        if run is not None:
            self._film(run)
            return
        policy = load_with_world(self.run_folder, self.own_world)
        if not isinstance(policy.world, DiamondGhostWorld):
            self._film_world(policy)
            return
        film = self.out or film_file(self.run_folder)
        with working(f"Drawing {film}"):
            rendering = routed_rl.render(
                policy.steer(parse_steering(self.steer, policy.deploy, policy.experts)),
                film,
                run=self.run_folder,
                world=changed_world(policy.world, asdict(self.world)),
                episodes=self.episodes,
                start=self.start,
                failures=self.failures,
                deterministic=self.deterministic,
                seed=self.seed,
            )
        if rendering.episodes < self.episodes:
            say(f"Only {rendering.episodes} failures were found.", error=True)
        width = max(len(str(picture)) for picture in rendering.pictures)
        for picture, meaning in rendering.pictures.items():
            say(f"{picture!s:{width}}  {meaning}")
        for sentence in rendering.left_out:
            say(sentence)
        say("The numbers behind each picture are beside it, in a .csv file of the same name.")

    def _film(self, run: EnvironmentRun) -> None:
        """Draw a run in an environment, then print where the film is."""
        from routed_rl.cli.policies import only_oversight, parse_steering

        self._refuse_placement(run.config.env)
        steering = parse_steering(self.steer, run.policy.deploy, run.policy.experts)
        oversight = only_oversight(asdict(self.world), run.config.env, run.config.oversight)
        self._draw(partial(routed_rl.render_run, run, steer=steering, oversight=oversight))

    def _film_world(self, policy: Policy) -> None:
        """Draw a policy in a world of one's own, then print where the film is."""
        from routed_rl.cli.policies import changed_world, parse_steering
        from routed_rl.pictures.environment_film import film_world

        self._refuse_placement(f"a {type(policy.world).__name__}")
        steering = parse_steering(self.steer, policy.deploy, policy.experts)
        world = changed_world(policy.world, asdict(self.world))
        self._draw(partial(film_world, policy.steer(steering), world))

    def _refuse_placement(self, place: str) -> None:
        if self.failures or self.start:
            raise InputError(
                f"--failures and --start are of the gridworld, and {self.run_folder} is a run in "
                f"{place}. Leave them out; --seed decides the starts."
            )

    def _draw(self, draw: Callable[..., Path]) -> None:
        from routed_rl.pictures.rendering import film_file

        film = self.out or film_file(self.run_folder)
        settings = {"episodes": self.episodes, "seed": self.seed}
        with working(f"Drawing {film}"):
            draw(out=film, deterministic=self.deterministic, **settings)
        say(f"{film}  {self.episodes} episodes; every moment is in the .csv file beside it")
