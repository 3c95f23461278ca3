"""What a search's words mean: ranges, choices, what is fixed, and every refusal."""

from __future__ import annotations

from typing import Any

import pytest

from routed_envs import InputError
from routed_rl.sweeps.choosing.search_space import Range, SearchSpace


def space(**words: Any) -> SearchSpace:
    return SearchSpace.of({"methods": "naive", **words})


def test_a_range_a_list_and_a_single_value_are_told_apart():
    found = space(learning_rate=["1e-4..0.01"], weight_decay=["0", "0.1"], updates=["40"])
    assert found.ranges == {"learning_rate": Range(1e-4, 0.01)}
    assert found.choices == {"weight_decay": [0.0, 0.1]}
    drawn = found.configs({"learning_rate": 0.005, "weight_decay": 0.1})
    assert [(c.learning_rate, c.weight_decay, c.updates) for c in drawn] == [(0.005, 0.1, 40)]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("1..5", (1, 5)),
        ("0.1...5", (0.1, 0.5)),
        ("-2..-1e-1", (-2, -0.1)),
        (" .5..2E3", (0.5, 2000.0)),
    ],
)
def test_ends_are_written_as_numbers_are(text: str, ends: tuple[float, float]):
    found = Range.of(text)
    assert found is not None
    assert found.ends == ends


@pytest.mark.parametrize("value", ["0.1", "a..b", "1..", "naive", 0.1, None, ("1..2",)])
def test_what_is_no_range_is_a_value(value: Any):
    assert Range.of(value) is None


def test_whole_ends_are_whole_numbers_only_where_the_setting_is():
    found = space(label_noise=0.1, overseen_weight="1..20", rollout_steps="8..32")
    assert found.ranges["overseen_weight"].ends == (1.0, 20.0)
    assert [type(end) for end in found.ranges["overseen_weight"].ends] == [float, float]
    assert [type(end) for end in found.ranges["rollout_steps"].ends] == [int, int]


def test_a_range_over_a_factor_of_ten_is_logarithmic():
    assert Range(0.001, 0.01).log
    assert not Range(0.001, 0.009).log
    assert not Range(0.0, 1.0).log
    assert not Range(-10.0, -1.0).log


def test_every_trial_has_all_situations_and_seeds_that_no_figure_has():
    found = space(learning_rate="0.001..0.002", oversight=[0.1, 0.01], seeds="2")
    runs = found.configs({"learning_rate": 0.0015})
    told = {(run.oversight, run.seed) for run in runs}
    assert told == {(level, seed) for level in (0.1, 0.01) for seed in (1000, 1001)}
    assert [run.seed for run in space(updates="10..20").usual] == [1000]
    assert [run.seed for run in space(updates="10..20", seed=["7", "9"]).usual] == [7, 9]


def test_the_defaults_are_those_of_the_method_if_the_space_holds_them():
    usual = space(learning_rate="0.0001..0.1", expert_widths=["64,64", "256"]).defaults()
    assert usual == {"learning_rate": space(updates="1..2").usual[0].learning_rate} | {  # pyright: ignore[reportAttributeAccessIssue]
        "expert_widths": "256"
    }
    assert space(learning_rate="0.5..0.6").defaults() is None
    assert space(expert_widths=["64,64", "32"]).defaults() is None


def test_widths_are_given_as_on_the_command_line_or_as_tuples():
    for given in (["64,64", "256"], [(64, 64), (256,)]):
        found = space(expert_widths=given)
        assert found.choices == {"expert_widths": ["64,64", "256"]}
        assert found.configs({"expert_widths": "64,64"})[0].expert_widths == (64, 64)  # pyright: ignore[reportAttributeAccessIssue]


def test_what_only_some_runs_name_is_recorded_too():
    usual = space(updates="1..2").to_json()
    assert "tempting_starts" not in usual
    for starts in (["false", "true"], ["true", "false"]):
        found = space(updates="1..2", tempting_starts=starts).to_json()
        assert found == usual | {"tempting_starts": [start == "true" for start in starts]}


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        ({}, ["Nothing is to be searched", "--learning-rate 0.0005..0.01"]),
        ({"oversight": [0.1, 0.2]}, ["Nothing is to be searched"]),
        ({"oversight": "0.1..0.4"}, ["oversight", "every draw is tried at each", "List them"]),
        ({"learning_rate": ["0.1..0.2", 0.3]}, ["one range LOW..HIGH, or a list"]),
        ({"learning_rate": "0.2..0.1"}, ["0.2..0.1", "smaller number first"]),
        ({"learning_rate": "0..0.1"}, ["learning_rate=0", "above 0"]),
        ({"updates": "1.5..4"}, ["updates=1.5", "a whole number"]),
        ({"precision": "0..1"}, ["precision=0", "float32 or bfloat16"]),
        ({"evaluate_every": "10..100"}, ["evaluate_every=['10..100'] cannot be searched"]),
        ({"threads": ["1..4"], "updates": "1..2"}, ["threads=['1..4']", "what a run learns"]),
        ({"device": ["cpu", "auto"]}, ["device=['cpu', 'auto']", "Give one value"]),
        ({"weight_decay": [0, -1]}, ["weight_decay=-1", "at least 0"]),
        ({"learning_rat": "0.1..0.2"}, ["'learning_rat'", "Did you mean 'learning_rate'?"]),
        ({"methods": ["naive", "routed"], "updates": "1..2"}, ["one method", "of its own"]),
        ({"seed": 1, "seeds": 2, "updates": "1..2"}, ["seeds and seed"]),
        ({"study": "digits", "updates": "1..2"}, ["study", "Leave it out"]),
    ],
)
def test_what_cannot_be_searched_is_refused_with_what_is_allowed(
    words: dict[str, Any], messages: list[str]
):
    with pytest.raises(InputError) as refused:
        space(**words)
    assert all(message in str(refused.value) for message in messages), str(refused.value)
