"""The methods as tables, by hand, and what each makes of a rollout's gradients."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import own_methods
import pytest
import torch
from helpers import baseline, loss_settings, network, rollout_ending_as, tiny_with

from routed_agents import METHODS, Method, NetworkSettings, RewardModel, Row, ShuffledLabels
from routed_agents.learner import loss, make_batch
from routed_agents.methods.expert_groups import group_experts
from routed_agents.methods.lookup import get_method
from routed_agents.methods.relabelling import count_targets, told_labels
from routed_agents.methods.table import Table
from routed_agents.rollout import Collected, Rollout
from routed_envs import InputError, Outcomes
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import Experiment

OVERSEEN = ("diamond", "ghost")
OTHERS = ("timeout", "unknown", "unfinished")


def method(name: str) -> Method:
    return get_method(name, OUTCOMES)


def gradients(name: str, label: str) -> dict[str, float]:
    """The largest gradient in each part of the policy, for episodes with one label."""
    made = method(name)
    policy = network(NetworkSettings(made.experts, made.gate, (4, 5, 5), 4, (16,), (8,)))
    rollout = rollout_ending_as(label)
    batch = make_batch(rollout, rollout.labels, Table.of(made, OUTCOMES))
    total, _ = loss(policy, baseline(), batch, loss_settings())
    total.backward()
    largest: dict[str, float] = {}
    for parameter_name, parameter in policy.named_parameters():
        part = ".".join(parameter_name.split(".")[: 2 if "experts" in parameter_name else 1])
        found = 0.0 if parameter.grad is None else float(parameter.grad.abs().max())
        largest[part] = max(largest.get(part, 0.0), found)
    return largest


def test_the_rows_of_every_method_by_hand():
    """Cloud et al., section 4.3, and what each method adds to it."""
    open_, own = (1.0, 1.0), {"diamond": (1.0, 0.0), "ghost": (0.0, 1.0)}
    one, punished = Row((1.0,)), Row((1.0,), reward=-1.0)
    single = {"diamond": one, "ghost": punished} | dict.fromkeys(OTHERS, one)
    routed = {t: Row(own[t], gate=0.0, target=t) for t in OVERSEEN}
    masked = {t: Row(own[t], gate=0.0, target=t, activations=own[t]) for t in OVERSEEN}
    free = dict.fromkeys(OTHERS, Row(open_))
    wages = {"diamond": (1.0, -0.25), "ghost": (-0.25, 1.0)}
    paid = {t: Row(open_, target=t, reward=wages[t]) for t in OVERSEEN}
    expected = {
        "routed": routed | free,
        "random-routing": routed | free,
        "no-routing": {t: Row(open_, target=t) for t in OVERSEEN} | free,
        "no-gate": {t: Row(own[t]) for t in OVERSEEN} | free,
        "activation-masked": masked | free,
        "filtering": single | {"unknown": Row((1.0,), weight=0.0)},
        **dict.fromkeys(("naive", "naive-early-stop", "oracle", "told-everything"), single),
        **dict.fromkeys(("reward-model", "reward-model-untold", "reward-model-final"), single),
        **dict.fromkeys(("inferred", "inferred-model", "inferred-model-final"), paid | free),
    }
    assert {name: dict(method(name).rows) for name in METHODS} == expected


def test_what_the_methods_have_beside_their_rows():
    inferring = ("inferred", "inferred-model", "inferred-model-final")
    several = ("routed", "random-routing", "no-routing", "no-gate", "activation-masked", *inferring)
    for name in METHODS:
        made = method(name)
        assert made.experts == (OVERSEEN if name in several else ("policy",))
        assert made.deploy == ("diamond" if name in several else None)
        assert made.updates(0.03) == (0.03 if name == "oracle" else 1.0)
        assert (made.relabel == "truth") == (name in ("oracle", "told-everything"))
        assert (made.acts == "experts") == (name in inferring)
        assert (made.gate_memory is not None) == (name in inferring)
    gates = {name: method(name).gate for name in several}
    assert gates == dict.fromkeys(several, "learned") | {"no-gate": "even"}
    rule = method("naive-early-stop").select
    assert rule is not None
    assert (dict(rule.scores), rule.episodes) == ({"diamond": 1.0, "ghost": -1.0}, 2000)


@pytest.mark.parametrize("name", ["routed", "random-routing", "no-gate", "activation-masked"])
def test_an_overseen_episode_moves_its_own_expert_and_not_the_other(name: str):
    for label, other in (("diamond", "ghost"), ("ghost", "diamond")):
        found = gradients(name, label)
        assert found[f"experts.{label}"] > 0
        assert found[f"experts.{other}"] == 0
        assert found["head"] > 0


@pytest.mark.parametrize("label", OVERSEEN)
def test_without_routing_an_overseen_episode_moves_everything(label: str):
    assert min(gradients("no-routing", label).values()) > 0


@pytest.mark.parametrize("label", OTHERS)
def test_an_episode_that_nobody_judged_moves_every_expert(label: str):
    for name in ("routed", "no-routing", "no-gate", "activation-masked"):
        found = gradients(name, label)
        assert min(found["experts.diamond"], found["experts.ghost"]) > 0
        assert ("gate" in found) == (name != "no-gate")


def test_filtering_learns_nothing_from_an_unknown_ending_and_loses_its_share():
    assert not any(gradients("filtering", "unknown").values())
    kept = {label for label in OUTCOMES.labels if any(gradients("filtering", label).values())}
    assert kept == set(OUTCOMES.labels) - {"unknown"}
    # Half of the episodes are dropped: the mean over all samples has half of the gradient.
    made, value = method("filtering"), baseline()
    policy = network(NetworkSettings(("policy",), "none", (4, 5, 5), 4, (16,)))
    whole = rollout_ending_as("diamond", steps=1, count=8)
    half = dataclasses.replace(whole, labels=whole.labels.clone())
    half.labels[:, 4:] = OUTCOMES.unknown
    settings = loss_settings(entropy_coefficient=0.0, value_coefficient=0.0)
    first = dataclasses.replace(
        whole,
        observations=whole.observations[:, :4],
        **{n: getattr(whole, n)[:, :4] for n in ("actions", "rewards", "ended", "labels")},
    )
    table = Table.of(made, OUTCOMES)
    losses = [
        loss(policy, value, make_batch(r, r.labels, table), settings)[0].item()
        for r in (half, first)
    ]
    assert losses[0] == pytest.approx(losses[1] / 2)


def test_a_masked_activation_leaves_the_closed_expert_out_of_the_forward_pass():
    made = method("activation-masked")
    policy = network(NetworkSettings(made.experts, made.gate, (4, 5, 5), 4, (16,), (8,)))
    rollout = rollout_ending_as("diamond")
    batch = make_batch(rollout, rollout.labels, Table.of(made, OUTCOMES))
    seen = rollout.observations[:-1].flatten(0, 1)
    before = policy(seen, batch.lesson.routes)[0]
    acted = policy(seen)[0]
    with torch.no_grad():
        for parameter in policy.experts["ghost"].parameters():
            parameter.add_(1.0)
    assert torch.equal(policy(seen, batch.lesson.routes)[0], before)
    assert not torch.allclose(policy(seen)[0], acted)
    routed = make_batch(rollout, rollout.labels, Table.of(method("routed"), OUTCOMES)).lesson.routes
    assert torch.equal(policy(seen, routed)[0], policy(seen)[0])


def labelled(codes: list[int], seed: int = 0) -> Rollout:
    """One-step episodes of which the overseer says the given things."""
    labels = torch.tensor([codes])
    rollout = rollout_ending_as("unknown", steps=1, count=len(codes))
    return dataclasses.replace(rollout, labels=labels, ended=labels != OUTCOMES.unfinished)


def test_shuffled_labels_keep_their_places_and_their_shares():
    generator, memory = torch.Generator().manual_seed(0), {}
    shuffle, given, told = ShuffledLabels(pool=16), [], []
    codes = [0, OUTCOMES.unknown, 0, OUTCOMES.timeout, 1, OUTCOMES.unfinished, 0]
    for _ in range(200):
        labels, memory = shuffle(labelled(codes), memory, generator)
        places = torch.tensor([codes]) < 2
        assert torch.equal(labels[~places], torch.tensor([codes])[~places])
        given += labels[places].tolist()
        told += [code for code in codes if code < 2]
    assert len(memory["pool"]) == 16
    assert given[:16] == [OUTCOMES.unknown] * 16
    drawn = [code for code in given if code < 2]
    assert len(drawn) == len(told) - 16
    in_pool = memory["pool"].tolist()
    assert sorted(drawn + in_pool) == sorted(told)


@pytest.mark.slow
def test_a_shuffled_label_says_nothing_even_where_a_rollout_holds_one_episode():
    generator, memory, right = torch.Generator().manual_seed(0), {}, []
    for index in range(2000):
        code = index * 7 % 5 % 2
        labels, memory = ShuffledLabels()(labelled([code]), memory, generator)
        right += [int(labels == code)] if labels < 2 else []
    share_of_ghosts = 2 / 5
    chance = share_of_ghosts**2 + (1 - share_of_ghosts) ** 2
    assert abs(sum(right) / len(right) - chance) < 3 * (0.25 / len(right)) ** 0.5


def rollouts(name: str, count: int, **changes: object) -> tuple[Experiment, list[Collected]]:
    """Rollouts of an untrained policy in which half of the targets have oversight."""
    experiment = Experiment.of(tiny_with(method=name, environments=64, oversight=0.5, **changes))
    state, made = experiment.start(), []
    for _ in range(count):
        made.append(experiment.collect(state))
        state.worlds = made[-1].state
    return experiment, made


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reward-model", "reward-model-final"])
def test_a_reward_model_learns_to_judge_endings_that_nobody_saw(name: str):
    experiment, made = rollouts(name, 150)
    generator, memory, accuracy = torch.Generator().manual_seed(0), {}, []
    for collected in made:
        relabel = experiment.method.relabel
        assert isinstance(relabel, RewardModel)
        labels, memory = relabel(collected.rollout, memory, generator)
        guessed = collected.rollout.labels == OUTCOMES.unknown
        assert torch.equal(labels[~guessed], collected.rollout.labels[~guessed])
        right = labels[guessed] == collected.hidden_outcomes[guessed]
        accuracy.append(float(right.float().mean()))
    assert sum(accuracy[:3]) / 3 < 0.8
    assert sum(accuracy[-20:]) / 20 > 0.9


@pytest.mark.parametrize("sees", ["last", "final"])
def test_a_reward_model_does_not_see_oversight(sees: str):
    model = RewardModel("last" if sees == "last" else "final")
    _, (collected,) = rollouts("reward-model-final", 1)
    other = dataclasses.replace(
        collected.rollout, observations=collected.rollout.observations.clone()
    )
    assert other.final_observations is not None
    other = dataclasses.replace(other, final_observations=other.final_observations.clone())
    assert other.final_observations is not None
    other.observations[:, :, 3] ^= 1
    other.final_observations[:, :, 3] ^= 1
    found = [model(r, {}, torch.Generator().manual_seed(0)) for r in (collected.rollout, other)]
    assert torch.equal(found[0][0], found[1][0])
    assert all(torch.equal(found[0][1][key], found[1][1][key]) for key in found[0][1])


def test_a_reward_model_without_any_label_guesses_nothing():
    rollout = labelled([OUTCOMES.unknown] * 5)
    labels, memory = RewardModel("last")(rollout, {}, torch.Generator())
    assert torch.equal(labels, rollout.labels)
    labels, _ = RewardModel("last")(labelled([1, OUTCOMES.unknown]), memory, torch.Generator())
    assert labels.tolist() == [[1, 1]]


def test_labels_are_counted_where_the_method_is_told_of_them():
    rollout = labelled([0, 1, OUTCOMES.unknown, OUTCOMES.timeout, OUTCOMES.unfinished])
    truth = torch.tensor([[0, 1, 1, OUTCOMES.timeout, OUTCOMES.unfinished]])

    def counted(name: str) -> int:
        return count_targets(told_labels(method(name), rollout.labels, truth), OUTCOMES)

    assert counted("routed") == 2
    assert counted("reward-model") == 2
    assert counted("oracle") == 3


def test_what_each_method_is_told():
    told = {name: method(name).told for name in METHODS}
    entries, final = "which entries show oversight", "the final observation"
    unusual = {
        **dict.fromkeys(("oracle", "told-everything"), ("the truth",)),
        "reward-model": ("labels", entries),
        "reward-model-final": ("labels", entries, final),
        "inferred-model-final": ("labels", final),
    }
    assert told == dict.fromkeys(METHODS, ("labels",)) | unusual


@pytest.mark.parametrize("name", METHODS)
def test_a_rollout_holds_no_more_than_the_method_is_told(name: str):
    experiment = Experiment.of(tiny_with(method=name))
    rollout, told = experiment.collect(experiment.start()).rollout, method(name).told
    if callable(method(name).relabel):
        assert (rollout.oversight_mask is not None) == ("which entries show oversight" in told)
    assert (rollout.final_observations is not None) == ("the final observation" in told)


def test_descriptions_stay_what_they_were_before_methods_had_further_fields():
    """Runs are recognised by them."""
    words = method("routed").describe()
    assert words.endswith("overseer, routed_agents.methods._whole_budget, None")
    model = "RewardModel(sees='last', width=128, remembered=8192, steps=8, batch=256"
    assert model in method("reward-model").describe()
    described = {method(name).describe() for name in METHODS if name != "oracle"}
    assert len(described) == len(METHODS) - 1
    assert " at 0x" not in "".join(described)


def test_every_method_serves_three_outcomes():
    outcomes = Outcomes(("gold", "silver", "trap"), good=("gold",))
    for name in METHODS:
        made = get_method(name, outcomes)
        assert Table.of(made, outcomes).experts.shape == (6, len(made.experts))


def test_a_method_of_ones_own_is_found_as_value_or_builder():
    assert get_method("own_methods:OWN", OUTCOMES).name == "own"
    assert get_method("own_methods:own", OUTCOMES).rows == own_methods.OWN.rows


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("no_such_module:x", "'no_such_module' cannot be imported"),
        (":x", "cannot be imported"),
        (".:x", "cannot be imported"),
        ("own_methods:onw", "Did you mean 'own'"),
        ("own_methods:NOT_A_METHOD", "is a dict. Give a routed_agents.Method"),
        ("own_methods:fails", "a fault of mine"),
        ("own_methods:misspells", r"calling it failed in \S*own_methods.py, line 31: TypeError"),
        ("own_methods:takes_nothing", "calling it failed: TypeError.*must take Outcomes"),
        ("own_methods:Outcomes", "is a type"),
    ],
)
def test_what_is_no_method_is_refused(place: str, message: str):
    with pytest.raises(InputError, match=message):
        get_method(place, OUTCOMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nimprt x\n", r"failed in \S*own_broken0.py, line 2: SyntaxError: invalid syntax"),
        ("import gymnasim\n", r"own_broken1.py, line 1: ModuleNotFoundError.*'gymnasim'"),
    ],
)
def test_what_is_wrong_in_a_module_is_not_taken_for_its_absence(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    name = f"own_broken{int('gymnasim' in text)}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as refused:
        get_method(f"{name}:x", OUTCOMES)
    assert "cannot be imported" not in str(refused.value)


FOUR = Outcomes(targets=("gold", "coin", "trap", "pit"), good=("gold", "coin"))


def test_grouped_experts_learn_what_taught_any_of_them():
    groups = {"good": ("gold", "coin"), "bad": ("trap", "pit")}
    grouped = group_experts(get_method("routed", FOUR), groups)
    assert grouped.experts == ("good", "bad")
    assert grouped.rows["coin"] == Row(experts=(1.0, 0.0), gate=0.0, target="good")
    assert grouped.rows["pit"] == Row(experts=(0.0, 1.0), gate=0.0, target="bad")
    assert grouped.rows["unknown"] == Row(experts=(1.0, 1.0))
    assert grouped.deploy == {"good": 1.0, "bad": 0.0}
    masked = group_experts(get_method("activation-masked", FOUR), groups)
    assert masked.rows["trap"].activations == (0.0, 1.0)
    grouped.check_labels(FOUR)


@pytest.mark.parametrize(
    "groups",
    [
        {"all": ("gold", "coin", "trap", "pit")},
        {"good": ("gold", "coin"), "bad": ("trap",)},
        {"good": ("gold", "coin", "trap"), "bad": ("trap", "pit")},
    ],
)
def test_groups_hold_each_expert_once(groups: dict[str, tuple[str, ...]]):
    with pytest.raises(InputError, match="each of the experts gold, coin, trap, pit once"):
        group_experts(get_method("routed", FOUR), groups)


def test_experts_that_act_alone_are_not_grouped():
    groups = {"good": ("gold", "coin"), "bad": ("trap", "pit")}
    with pytest.raises(InputError, match="experts of inferred act alone"):
        group_experts(get_method("inferred", FOUR), groups)


def test_a_methods_description_is_that_of_runs_made_before_modules_moved():
    """A run is continued only if the description that it saved is the present one."""
    ends = {"routed": "routed_agents.methods._whole_budget, None"}
    ends |= {"oracle": "truth, routed_agents.known_methods._oversight, None"}
    for name, end in ends.items():
        assert method(name).describe().endswith(f", {end}")
