"""`routed-rl study`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import tyro

import routed_rl
from routed_envs.errors import unknown_name
from routed_rl.any_config import STUDIES
from routed_rl.cli.commands.sweep import (
    Sweep,
    Words,
    listed_settings,
    outcome_values,
    refuse_failures,
)
from routed_rl.cli.options import optional
from routed_rl.cli.terminal import working
from routed_rl.screen import print_json
from routed_rl.study_configs.digits_config import DigitsConfig
from routed_rl.study_configs.scalar_config import TOKENS, ScalarConfig
from routed_rl.study_configs.study_config import StudyConfig
from routed_rl.study_configs.unlearn_config import UnlearnConfig


@dataclass(frozen=True)
class Study:
    """Repeat an experiment of the paper other than its gridworld: train, compare, report.

    `routed-rl study digits --help` lists the options of a study. For example, in ten seconds:

    routed-rl study digits --preset demo --methods routed unrouted

    Attributes:
        name: The study: digits, an autoencoder whose code has a half for each group of digits;
            unlearn, a language model that is to be deployed without a topic; or scalar, a
            dimension of a language model as the dial of a word.
    """

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="{digits,unlearn,scalar}")]

    def run(self) -> None:
        """Refuse a study that there is not."""
        raise unknown_name("study", self.name, STUDIES)


class StudySweep(Sweep):
    """What the commands of all studies do.

    Attributes:
        config: A TOML file with the same words.
        out: The folder of the runs and the page. Left out, it is studies/ and the study's name.
        json: Print one JSON object at the end: what `sweep --json` prints, the `page`, and the
            `figures`, each with its mean and 95% interval over the seeds.
    """

    study: ClassVar[str]
    compared: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Beside the methods, what is compared if nothing else is asked for."""

    def run(self) -> None:
        """Train what is missing, compare all of the study's runs, and say where the page is.

        Raises:
            SystemExit: Some runs failed.
        """
        from routed_rl.cli.printing import print_numbers, print_page
        from routed_rl.report.page import report_sweep

        words: dict[str, Any] = {"methods": STUDIES[self.study].methods, **self.compared}
        words |= self._words()
        configs = routed_rl.plan(words | {"study": self.study})
        outcome = self._swept(configs, Path("studies") / self.study)
        if len(outcome.failed) == len(configs):
            refuse_failures(outcome)
        with working(f"Comparing the runs in {outcome.folder}"):
            report = report_sweep(outcome.folder)
        if self.json:
            figures = [row for table in report.tables for row in table.rows()]
            told = {"page": report.page, "figures": figures}
            print_json(outcome_values(outcome, len(configs)) | told)
        else:
            print_numbers(report.tables[0], caption=report.caption)
            print_page(report.page)
        refuse_failures(outcome)


def _rows(study: type[StudyConfig]) -> Any:
    """The option that chooses among a study's methods."""
    return tyro.conf.arg(
        metavar="METHOD [METHOD ...]",
        help=f"Rows of the study's table: {', '.join(study.methods)}.",
        help_behavior_hint="(default: all)",
    )


DigitsSettings = listed_settings(DigitsConfig, DigitsConfig(), "fast", left_out=("study",))


@dataclass(frozen=True)
class StudyDigits(StudySweep):
    """Split the code of an autoencoder into halves, one for the digits 0 to 4, one for 5 to 9.

    The ten rows of the paper's table (Cloud et al., section 4.1 and appendix B) and one of ours are
    trained, compared by how much of the other digits each half has erased, and shown on a page with
    pictures. Called again, it trains only what is missing. Ctrl-C saves. For example:

    routed-rl study digits --preset demo --methods routed unrouted    (ten seconds)

    routed-rl study digits --seeds 5    (the figure)

    Attributes:
        preset: fast (5,000 images of MNIST, about two minutes a run), paper (the published sizes,
            for a GPU; it needs MNIST's files in --data) or demo (seconds).
    """

    study: ClassVar[str] = "digits"
    settings: Annotated[DigitsSettings, tyro.conf.arg(name="")] = field(  # pyright: ignore[reportInvalidTypeForm]
        default_factory=DigitsSettings
    )
    methods: Annotated[Words, _rows(DigitsConfig)] = None
    preset: Annotated[str | None, optional("{fast,paper,demo}", "fast")] = None


UnlearnSettings = listed_settings(UnlearnConfig, UnlearnConfig(), "fast", left_out=("study",))


@dataclass(frozen=True)
class StudyUnlearn(StudySweep):
    """Train a language model that is to be deployed without a topic; few documents have a label.

    Expand, route, ablate of the paper (Cloud et al., section 4.2.2 and appendix C) beside its
    rivals and ours. Networks are compared by what they know of the topic once deployed, once
    repaired, and once somebody teaches it to them again. Called again, it trains only what is
    missing. Ctrl-C saves. For example:

    routed-rl study unlearn --oversight 0.5 0.1    (ten minutes)

    routed-rl study unlearn --preset text --seeds 5    (real English)

    routed-rl study unlearn --topics forest,sea,farm --methods inferred-classifier    (profiles)

    Attributes:
        preset: fast (stories of a small grammar, about half a minute a run), text (the World
            English Bible, some minutes a run), paper (the published sizes, for a GPU; it needs a
            text in --data) or demo (seconds).
    """

    study: ClassVar[str] = "unlearn"
    settings: Annotated[UnlearnSettings, tyro.conf.arg(name="")] = field(  # pyright: ignore[reportInvalidTypeForm]
        default_factory=UnlearnSettings
    )
    methods: Annotated[Words, _rows(UnlearnConfig)] = None
    preset: Annotated[str | None, optional("{fast,text,paper,demo}", "fast")] = None


ScalarSettings = listed_settings(ScalarConfig, ScalarConfig(), "fast", left_out=("study",))


@dataclass(frozen=True)
class StudyScalar(StudySweep):
    """Make one dimension of a language model the dial of a word.

    The steering scalar of the paper (Cloud et al., section 4.2.1 and appendix D), with what it does
    not show: the unrouted twin from the same start, all other dimensions, random directions and the
    mean difference, equally long; several words; and the words of the same topic that were never
    routed. Called again, it trains only what is missing. Ctrl-C saves. For example:

    routed-rl study scalar    (six words, six minutes)

    routed-rl study scalar --token whale --seeds 5

    Attributes:
        preset: fast (stories of a small grammar, a minute a run), paper (a network of the published
            size, for a GPU, with stories) or demo (seconds).
    """

    study: ClassVar[str] = "scalar"
    compared: ClassVar[Mapping[str, Any]] = MappingProxyType({"token": list(TOKENS)})
    settings: Annotated[ScalarSettings, tyro.conf.arg(name="")] = field(  # pyright: ignore[reportInvalidTypeForm]
        default_factory=ScalarSettings
    )
    methods: Annotated[Words, _rows(ScalarConfig)] = None
    preset: Annotated[str | None, optional("{fast,paper,demo}", "fast")] = None


COMMANDS: Mapping[str, type[StudySweep]] = MappingProxyType(
    {"digits": StudyDigits, "unlearn": StudyUnlearn, "scalar": StudyScalar}
)


def parse(words: Sequence[str]) -> Study | StudySweep:
    """The command of the study that the words name, with its options.

    Raises:
        InputError: There is no such study.
    """
    if not words or words[0].startswith("-"):
        return tyro.cli(Study, prog="routed-rl study", args=list(words) or ["--help"])
    if words[0] not in COMMANDS:
        raise unknown_name("study", words[0], COMMANDS)
    return tyro.cli(COMMANDS[words[0]], prog=f"routed-rl study {words[0]}", args=list(words[1:]))
