"""stable-baselines3 with routing: parity with the library, exact routes, labels in the buffer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from helpers import random_policy
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import SubprocVecEnv, VecNormalize

from routed_agents import (
    METHODS,
    Method,
    Rollout,
    RoutedA2C,
    RoutedActorCriticPolicy,
    RoutedPPO,
    Routes,
    RoutingSettings,
    Row,
    get_method,
    group_experts,
    load_exported,
)
from routed_agents.methods.table import Lesson
from routed_agents.stable_baselines.base import RoutedAlgorithm
from routed_agents.stable_baselines.buffer import RoutedObservations
from routed_agents.stable_baselines.extractor import SmallCnn
from routed_envs import DiamondGhostWorld, FinalStep, InputError, Outcomes, Overseen
from routed_envs.gridworld.world import OUTCOMES
from routed_envs.stable_baselines import WorldVecEnv
from routed_rl import evaluate, evaluate_env, export_policy, load_policy, save_policy

ARCH: dict[str, Any] = {"net_arch": {"pi": [16], "vf": [16], "gate": [8]}}
EXPERTS: dict[str, Any] = {"experts": ("diamond", "ghost"), "gate": "learned"}
SMALL_WORLD = DiamondGhostWorld(rows=3, cols=3, oversight=0.5, max_steps=8)


def vec_env(world: DiamondGhostWorld = SMALL_WORLD, count: int = 4) -> WorldVecEnv:
    return WorldVecEnv(world, count, seed=0)


def open_method() -> Method:
    """Two experts and a gate, and nothing that labels change."""
    return dataclasses.replace(
        get_method("routed", OUTCOMES),
        rows=dict.fromkeys(OUTCOMES.labels, Row(experts=(1.0, 1.0))),
    )


def routed_ppo(method: str | Method = "routed", **changes: Any) -> RoutedPPO:
    settings: dict[str, Any] = {"policy_kwargs": dict(ARCH), "n_steps": 8, "n_epochs": 2, "seed": 0}
    return RoutedPPO(
        "MlpPolicy", changes.pop("env", None) or vec_env(), method, **settings | changes
    )


def gradients(model: A2C | PPO) -> dict[str, torch.Tensor]:
    """The gradients of the last step."""
    return {n: p.grad for n, p in model.policy.named_parameters() if p.grad is not None}


def losses_of(model: A2C | PPO) -> dict[str, float]:
    """The figures of the last update."""
    figures = model.logger.name_to_value
    return {name: float(v) for name, v in figures.items() if name.endswith("loss")}


def one_update(model: A2C | PPO) -> None:
    """A rollout and an update, without the dump of the log that would empty it."""
    model.learn(model.n_steps * model.n_envs, log_interval=100)


@pytest.mark.parametrize(("ours", "theirs"), [(RoutedA2C, A2C), (RoutedPPO, PPO)])
def test_with_every_route_open_an_algorithm_is_the_librarys(
    ours: Callable[..., RoutedAlgorithm], theirs: Callable[..., A2C]
):
    shared: dict[str, Any] = {"seed": 0, "n_steps": 8, "ent_coef": 0.01}
    if theirs is PPO:
        shared |= {"batch_size": 16, "n_epochs": 2}
    routed: Any = ours("MlpPolicy", vec_env(), open_method(), policy_kwargs=dict(ARCH), **shared)
    one_update(routed)
    # The library seeds PyTorch's global generator when a model is made, so one after the other.
    plain = theirs(RoutedActorCriticPolicy, vec_env(), policy_kwargs=ARCH | EXPERTS, **shared)
    one_update(plain)
    assert losses_of(routed)
    assert losses_of(routed) == pytest.approx(losses_of(plain), abs=1e-6)
    expected = gradients(plain)
    assert gradients(routed).keys() == expected.keys()
    for name, gradient in gradients(routed).items():
        assert torch.allclose(gradient, expected[name], rtol=0, atol=1e-6), name
    for name, weights in plain.policy.state_dict().items():
        assert torch.allclose(routed.policy.state_dict()[name], weights, rtol=0, atol=1e-6), name


def test_with_one_expert_the_policy_is_the_librarys_actor_critic():
    rows = dict.fromkeys(OUTCOMES.labels, Row(experts=(1.0,)))
    single = dataclasses.replace(get_method("naive", OUTCOMES), rows=rows)
    arch = {"net_arch": {"pi": [16, 16], "vf": [16]}}
    routed = RoutedA2C("MlpPolicy", vec_env(), single, policy_kwargs=dict(arch), n_steps=8)
    plain = A2C("MlpPolicy", vec_env(), policy_kwargs=dict(arch), n_steps=8)
    names = {
        "mlp_extractor.policy_net.0": "mixture.experts.policy.0",
        "mlp_extractor.policy_net.2": "mixture.experts.policy.2",
        "mlp_extractor.value_net.0": "value_net.0",
        "action_net": "mixture.head",
        "value_net": "value_net.2",
    }
    keys = {f"{a}.{kind}": f"{b}.{kind}" for a, b in names.items() for kind in ("weight", "bias")}
    weights = plain.policy.state_dict()
    assert set(weights) == set(keys)
    routed.policy.load_state_dict({ours: weights[theirs] for theirs, ours in keys.items()})
    for model in (routed, plain):
        model.set_random_seed(3)
        one_update(model)
    assert losses_of(routed) == pytest.approx(losses_of(plain), abs=1e-6)
    found = gradients(routed)
    for theirs, gradient in gradients(plain).items():
        assert torch.allclose(found[keys[theirs]], gradient, rtol=0, atol=1e-6), theirs


def lesson(policy: RoutedActorCriticPolicy, label: str, count: int = 6) -> RoutedObservations:
    """Observations whose episodes all have one label, under `routed`."""
    row = get_method("routed", OUTCOMES).rows[label]
    target = 0 if row.target is None else policy.expert_names.index(row.target)
    seen = torch.as_tensor(vec_env(count=count).reset())
    return RoutedObservations(
        observations=seen,
        lesson=Lesson(
            routes=Routes(torch.tensor([row.experts] * count), torch.full((count,), row.gate)),
            weights=torch.ones(count),
            targets=torch.full((count,), target),
            has_target=torch.full((count,), float(row.target is not None)),
        ),
        gate_coefficient=0.5,
    )


def routed_policy(**changes: Any) -> RoutedActorCriticPolicy:
    torch.manual_seed(0)
    settings: dict[str, Any] = ARCH | EXPERTS | {"ortho_init": False} | changes
    space = spaces.MultiBinary((4, 3, 3))
    return RoutedActorCriticPolicy(space, spaces.Discrete(4), lambda progress: 1e-3, **settings)


def backward(policy: RoutedActorCriticPolicy, given: Any, gate_only: bool = False) -> None:
    """The gradient of a loss like the library's; or of the gate's own loss alone."""
    policy.zero_grad()
    actions = torch.arange(6) % 4
    _, log_prob, entropy = policy.evaluate_actions(given, actions)
    assert entropy is not None
    (
        (0.0 if gate_only else 1.0) * (log_prob * torch.arange(6)).sum() + 0.0 * entropy.sum()
    ).backward()


def size(module: torch.nn.Module) -> float:
    """The sum of the absolute gradients of a module."""
    return sum(float(p.grad.abs().sum()) for p in module.parameters() if p.grad is not None)


@pytest.mark.parametrize("routing", ["activations", "parameters"])
@pytest.mark.parametrize("label", OUTCOMES.labels)
def test_each_label_teaches_exactly_the_parts_that_its_row_opens(label: str, routing: str):
    policy, row = routed_policy(routing=routing), get_method("routed", OUTCOMES).rows[label]
    backward(policy, lesson(policy, label))
    for weight, expert in zip(row.experts, policy.mixture.experts.values(), strict=True):
        assert (size(expert) > 0) == (weight > 0)
    assert size(policy.mixture.head) > 0
    assert policy.mixture.gate is not None
    assert size(policy.mixture.gate) > 0  # From the policy's loss, or from the gate's own.
    backward(policy, lesson(policy, label), gate_only=True)
    assert (size(policy.mixture.gate) > 0) == (row.target is not None)
    assert size(policy.mixture.head) == 0


def test_the_gates_own_loss_has_the_gradient_of_its_cross_entropy():
    policy = routed_policy()
    given = lesson(policy, "ghost")
    backward(policy, given, gate_only=True)
    found = [p.grad.clone() for p in policy.mixture.gate.parameters() if p.grad is not None]  # type: ignore[union-attr]
    policy.zero_grad()
    logits = policy.mixture.gate_logits(given.observations.float().flatten(1))
    (0.5 * -logits.log_softmax(1)[:, 1].mean()).backward()
    for one, parameter in zip(found, policy.mixture.gate.parameters(), strict=True):  # type: ignore[union-attr]
        assert torch.allclose(one, parameter.grad)  # pyright: ignore[reportArgumentType]


def test_the_two_kinds_of_routing_differ_in_what_reaches_a_shared_trunk():
    found = {}
    for routing in ("activations", "parameters"):
        policy = routed_policy(
            routing=routing,
            features_extractor_class=SmallCnn,
            features_extractor_kwargs={"features_dim": 8, "channels": (2,)},
        )
        given = lesson(policy, "diamond")
        backward(policy, given)
        assert size(policy.mixture.experts["ghost"]) == 0
        trunk = [p.grad.clone() for p in policy.features_extractor.parameters()]  # pyright: ignore[reportOptionalMemberAccess]
        backward(policy, given, gate_only=True)
        gate = [p.grad for p in policy.features_extractor.parameters()]
        # What the policy's loss brings the trunk; the gate's own loss reaches it in both.
        found[routing] = [a - b for a, b in zip(trunk, gate, strict=True)]  # pyright: ignore[reportOperatorIssue]
        backward(policy, given.observations)
        found["open"] = [p.grad.clone() for p in policy.features_extractor.parameters()]  # pyright: ignore[reportOptionalMemberAccess]
    pairs = zip(found["parameters"], found["open"], strict=True)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in pairs)
    pairs = zip(found["activations"], found["open"], strict=True)
    assert not any(torch.allclose(one, other, atol=1e-6) for one, other in pairs)


def test_parts_that_are_not_shared_have_a_features_extractor_of_their_own():
    trunk = {
        "features_extractor_class": SmallCnn,
        "features_extractor_kwargs": {"features_dim": 8},
    }
    shared, apart = routed_policy(**trunk), routed_policy(shared=(), **trunk)
    mixed = routed_policy(shared=("experts", "value"), **trunk)

    def extractors(policy: RoutedActorCriticPolicy) -> int:
        return sum(isinstance(module, SmallCnn) for module in policy.modules())

    assert [extractors(policy) for policy in (shared, apart, mixed)] == [1, 4, 2]
    backward(apart, lesson(apart, "diamond"))
    assert size(apart.mixture.experts["ghost"]) == 0
    assert size(apart.mixture.experts["diamond"][0]) > 0  # pyright: ignore[reportIndexIssue]


class Script(gymnasium.Env[np.ndarray, int]):
    """Plays a fixed list of endings, one for each step, whatever the agent does."""

    outcomes = OUTCOMES
    overseen_share = 0.5
    oversight_mask = np.zeros(1, dtype=bool)
    observation_space = spaces.MultiBinary(1)
    action_space: Any = spaces.Discrete(2)
    labels = ("unfinished", "unfinished", "ghost", "unfinished", "unknown", "timeout", "unfinished")

    def __init__(self, labels: tuple[str, ...] | None = None) -> None:
        self.labels, self.time = labels or self.labels, 0

    def reset(self, **settings: Any) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(**settings)
        return np.ones(1, dtype=np.int8), {"label": "unfinished"}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        label = self.labels[self.time % len(self.labels)]
        self.time += 1
        ended, timeout = label in ("diamond", "ghost", "unknown"), label == "timeout"
        info = {"label": label, "hidden_outcome": "diamond" if label == "unknown" else label}
        return np.ones(1, dtype=np.int8), float(ended), ended, timeout, info


def test_the_buffer_gives_each_step_its_episodes_label_and_the_methods_reward():
    model = RoutedA2C(
        "MlpPolicy", Script(), "naive", n_steps=7, policy_kwargs=dict(ARCH), gamma=0.0
    )
    one_update(model)
    names = [OUTCOMES.labels[code] for code in model.rollout_buffer.codes]
    assert names == ["ghost"] * 3 + ["unknown"] * 2 + ["timeout", "unfinished"]
    # A ghost that was overseen costs 1; whatever ended unseen keeps the environment's 1.
    assert model.rollout_buffer.returns.ravel() == pytest.approx([0, 0, -1, 0, 1, 0, 0])


def test_the_methods_reward_is_not_scaled_by_vec_normalize():
    env = VecNormalize(make_vec_env(Script, 2), norm_obs=False, gamma=0.5)
    env.ret_rms.var = np.array(16.0)
    env.training = False
    model = RoutedA2C("MlpPolicy", env, "naive", n_steps=7, policy_kwargs=dict(ARCH), gamma=0.0)
    one_update(model)
    one = model.rollout_buffer.returns.reshape(2, 7)[0].tolist()
    assert one == pytest.approx([0, 0, -1, 0, 0.25, 0, 0], abs=1e-3)


def test_the_hidden_outcome_reaches_the_oracle_alone():
    def weights(method: str, swap: bool) -> torch.Tensor:
        class FalseOutcomes(Script):
            def step(self, action: int) -> Any:
                *rest, info = super().step(action)
                if swap and info["label"] == "unknown":
                    info["hidden_outcome"] = "ghost"
                return *rest, info

        model = RoutedA2C("MlpPolicy", FalseOutcomes(), method, policy_kwargs=dict(ARCH), seed=0)
        one_update(model)
        return model.policy.mixture.head.weight

    for method in METHODS:
        same = torch.equal(weights(method, False), weights(method, True))
        assert same == (method != "oracle"), method


def test_normalised_advantages_with_an_offset_are_those_of_the_whole_rollout():
    settings = RoutingSettings(advantage_offset=3.0, overseen_weight=2.0)
    model = RoutedPPO(
        "MlpPolicy", Script(), routing=settings, n_steps=14, batch_size=7, policy_kwargs=dict(ARCH)
    )
    one_update(model)
    weight = torch.where(torch.from_numpy(model.rollout_buffer.codes) < 2, 2.0, 1.0).numpy()
    found = model.rollout_buffer.advantages.ravel() - 1.5  # Half of the episodes are overseen.
    assert np.average(found, weights=weight) == pytest.approx(0, abs=1e-5)
    assert np.average(found**2, weights=weight) == pytest.approx(1, abs=1e-5)
    assert not model.normalize_advantage


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_from_the_same_environments(method: str):
    model = routed_ppo(method, env=vec_env(count=8))
    before = {name: w.clone() for name, w in model.policy.state_dict().items()}
    model.learn(3 * 64)
    after = model.policy.state_dict()
    assert all(torch.isfinite(w).all() for w in after.values())
    assert any(not torch.equal(w, before[name]) for name, w in after.items())
    assert model.deployed().steering == get_method(method, OUTCOMES).deploy
    taken = {"oracle": 128}.get(method, 192)  # Half of the episodes are overseen; rollouts have 64.
    assert model.num_timesteps == taken


def test_one_seed_gives_one_result():
    one, other = (routed_ppo().learn(128).policy.state_dict() for _ in range(2))
    assert all(torch.equal(weights, other[name]) for name, weights in one.items())


def test_a_model_is_saved_loaded_continued_and_predicts_the_same(tmp_path: Path):
    model = routed_ppo("reward-model")
    model.learn(64)
    model.save(tmp_path / "model")
    seen = vec_env().reset()
    again = RoutedPPO.load(tmp_path / "model", env=vec_env())
    assert isinstance(again.method, Method)
    assert again.method.name == "reward-model"
    assert torch.equal(
        again.policy.action_probabilities(seen), model.policy.action_probabilities(seen)
    )
    assert again.memory.keys() == model.memory.keys() != set()
    again.learn(64, reset_num_timesteps=False)
    assert again.num_timesteps == 128
    alone = RoutedPPO.load(tmp_path / "model")  # Without an environment, to predict only.
    assert (
        alone.predict(seen, deterministic=True)[0] == model.predict(seen, deterministic=True)[0]
    ).all()


def test_steering_has_the_librarys_predict_and_shares_the_weights():
    model = routed_ppo()
    seen = vec_env().reset()
    diamond = model.steer("diamond")
    assert diamond.predict(seen[0])[0].shape == ()
    assert diamond.predict(seen)[0].shape == (4,)
    features = torch.as_tensor(seen).float().flatten(1)
    expected = model.policy.mixture.head(model.policy.mixture.experts["diamond"](features)).softmax(
        1
    )
    assert torch.allclose(diamond.action_probabilities(seen), expected)
    assert model.policy.steering is None
    with torch.no_grad():
        model.policy.mixture.head.bias[2] = 50
    assert (diamond.predict(seen)[0] == 2).all()
    mean = evaluate_policy(diamond, vec_env(), n_eval_episodes=4, warn=False)[0]
    assert mean in (0, 0.25, 0.5, 0.75, 1)
    found = evaluate(diamond, world=SMALL_WORLD)
    assert found.exact


def test_an_exported_policy_opens_without_the_model(tmp_path: Path):
    for policy in ("MlpPolicy", "CnnPolicy"):
        model = RoutedA2C(policy, vec_env(), policy_kwargs=dict(ARCH), n_steps=4)
        model.export(tmp_path / "policy.safetensors")
        again = load_exported(tmp_path / "policy.safetensors")
        seen = vec_env().reset()
        for steering in ("diamond", None):
            expected = model.steer(steering).action_probabilities(seen)
            assert torch.equal(again.steer(steering).action_probabilities(seen), expected)
    (tmp_path / "policy.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged"):
        load_exported(tmp_path / "policy.safetensors")
    with pytest.raises(InputError, match="no file"):
        load_exported(tmp_path / "missing")
    with pytest.raises(InputError, match=r"ends in \.safetensors"):
        model.export(tmp_path / "policy.onnx")
    assert not (tmp_path / "policy.onnx").exists()


def test_a_policy_file_of_the_other_kind_is_told_from_a_damaged_one(tmp_path: Path):
    model = RoutedA2C("MlpPolicy", vec_env(), policy_kwargs=dict(ARCH), n_steps=4)
    model.export(tmp_path / "new" / "theirs.safetensors")
    with pytest.raises(InputError, match="load_exported"):
        load_policy(tmp_path / "new" / "theirs.safetensors")
    save_policy(random_policy(), str(tmp_path / "ours.safetensors"))
    with pytest.raises(InputError, match="load_policy"):
        load_exported(tmp_path / "ours.safetensors")
    with pytest.raises(InputError, match=r"model\.export"):
        export_policy(model.policy, tmp_path / "policy.onnx")  # pyright: ignore[reportArgumentType]


class CountSteps(BaseCallback):
    """Counts its calls."""

    def _on_step(self) -> bool:
        return True


@pytest.mark.filterwarnings("ignore:rich is experimental")
def test_callbacks_progress_bar_and_tensorboard_work_as_in_the_library(tmp_path: Path):
    model = routed_ppo(tensorboard_log=str(tmp_path))
    counter = CountSteps()
    model.learn(64, callback=counter, progress_bar=True)
    assert counter.n_calls == 16
    assert list(tmp_path.glob("RoutedPPO_1/events*"))


def gym_env() -> gymnasium.Env[Any, Any]:
    return gymnasium.make("routed_envs/DiamondGhost-v0", rows=3, cols=3, oversight=0.5)


def test_environments_in_processes_of_their_own_are_overseen_too():
    env = make_vec_env(gym_env, 2, vec_env_cls=SubprocVecEnv)
    model = RoutedA2C("MlpPolicy", env, policy_kwargs=dict(ARCH), n_steps=16, seed=0)
    model.learn(64)
    codes = set(model.rollout_buffer.codes.tolist())
    env.close()
    assert codes <= set(range(5))
    assert codes & {0, 1, 3}  # Some episode ended on a target.


def test_a_new_environment_may_have_another_oversight_and_size_of_vector():
    model = routed_ppo()
    model.learn(32)
    model.set_env(vec_env(dataclasses.replace(SMALL_WORLD, oversight=1.0)))
    assert model.overseen_share == 1.0
    model.learn(32)
    assert OUTCOMES.unknown not in model.rollout_buffer.codes


DOORS = Outcomes(targets=("gold", "coin", "trap"), good=("gold", "coin"))


class Doors(Script):
    """Three outcomes; the action decides."""

    outcomes = DOORS
    action_space = spaces.Discrete(3)

    def step(self, action: int) -> Any:
        name = DOORS.targets[int(action)]
        return np.ones(1, dtype=np.int8), 1.0, True, False, {"label": name, "hidden_outcome": name}


def test_three_outcomes_have_three_experts_or_two_that_share_them():
    settings: dict[str, Any] = {"policy_kwargs": dict(ARCH), "ent_coef": 0.5, "seed": 1}
    settings |= {"learning_rate": 0.01, "n_steps": 8, "max_grad_norm": 10.0}
    routing = RoutingSettings(advantage_offset=8.0)
    env = make_vec_env(Doors, 8)
    model = RoutedA2C("MlpPolicy", env, routing=routing, **settings)
    model.learn(5000)
    opened = [model.steer(name).action_probabilities(np.ones((1, 1))) for name in DOORS.targets]
    # Rows: who acts; columns: which door. Each door is opened most often by its own expert.
    assert torch.cat(opened).argmax(0).tolist() == [0, 1, 2]
    groups = {"good": ("gold", "coin"), "bad": ("trap",)}
    method = group_experts(get_method("routed", DOORS), groups)
    model = RoutedA2C("MlpPolicy", env, method, routing=routing, **settings)
    assert model.policy.expert_names == ("good", "bad")
    assert model.deployed().steering == {"good": 1.0, "bad": 0.0}


def test_what_cannot_be_used_is_refused_with_its_cure(tmp_path: Path):
    plain = gymnasium.make("CartPole-v1")
    with pytest.raises(InputError, match=r"gives none.*routed_envs\.Overseen"):
        RoutedPPO("MlpPolicy", plain)
    with pytest.raises(InputError, match="Did you mean 'routed'"):
        RoutedPPO("MlpPolicy", vec_env(), "routd")
    with pytest.raises(InputError, match="Recurrent policies"):
        RoutedPPO("MlpLstmPolicy", vec_env())
    with pytest.raises(InputError, match="Did you mean 'parameters'"):
        RoutedPPO("MlpPolicy", vec_env(), policy_kwargs={"routing": "parameter"})
    with pytest.raises(InputError, match="Did you mean 'gate'"):
        RoutedPPO("MlpPolicy", vec_env(), policy_kwargs={"shared": ("gates",)})
    wrong = dataclasses.replace(get_method("routed", OUTCOMES), rows={})
    with pytest.raises(InputError, match="one row for each label"):
        RoutedPPO("MlpPolicy", vec_env(), wrong)
    with pytest.raises(InputError, match="overseen_limit"):
        RoutingSettings(overseen_limit=0.0)
    model = routed_ppo()
    with pytest.raises(InputError, match="Did you mean 'diamond'"):
        model.steer("dimond")
    with pytest.raises(InputError, match="has no 'label'"):
        RoutedPPO("MlpPolicy", make_vec_env(NoLabels, 1), policy_kwargs=dict(ARCH)).learn(32)
    with pytest.raises(InputError, match="There is no label 'gost'"):
        RoutedPPO("MlpPolicy", Misspelt(), policy_kwargs=dict(ARCH)).learn(32)
    model.save(tmp_path / "model")
    with pytest.raises(InputError, match=r"learned with .*ghost.*the environment has .*trap"):
        RoutedPPO.load(tmp_path / "model", env=OtherOutcomes())
    with pytest.raises(InputError, match="the environment has"):
        model.set_env(OtherOutcomes())
    watched = dataclasses.replace(SMALL_WORLD, rows=4, oversight=1.0)
    with pytest.raises(ValueError, match="spaces do not match"):
        model.set_env(vec_env(watched))
    assert model.overseen_share == SMALL_WORLD.oversight  # A refused environment leaves no trace.
    for env in (Dictionary(), gymnasium.make_vec("CartPole-v1", num_envs=2)):
        given: Any = env
        with pytest.raises(InputError):
            model.set_env(given)
        with pytest.raises(InputError):
            RoutedPPO.load(tmp_path / "model", env=given)


def test_a_model_is_not_loaded_with_a_method_of_other_experts(tmp_path: Path):
    routed_ppo().save(tmp_path / "model")
    with pytest.raises(InputError, match=r"'gate': 'learned'.*'naive' needs .*'policy'"):
        RoutedPPO.load(tmp_path / "model", env=vec_env(), method="naive")
    again = RoutedPPO.load(tmp_path / "model", env=vec_env(), method="no-routing")
    again.learn(32)  # The same experts, another table.
    assert isinstance(again.method, Method)
    assert again.method.name == "no-routing"


def test_the_policy_alone_is_saved_and_loaded_as_in_the_library(tmp_path: Path):
    policy = routed_ppo().policy
    policy.save(str(tmp_path / "policy"))
    again = RoutedActorCriticPolicy.load(str(tmp_path / "policy"))
    seen = vec_env().reset()
    for steering in ("ghost", None):
        expected = policy.steer(steering).action_probabilities(seen)
        assert torch.equal(again.steer(steering).action_probabilities(seen), expected)


def test_pictures_are_turned_for_the_cnn_and_their_flag_is_hidden_from_a_reward_model():
    env = Overseen(Picture(), ("gold", "trap"), ("gold",), last_reward, oversight=0.5)
    seen: list[Rollout] = []

    def keep(rollout: Rollout, memory: Any, generator: torch.Generator) -> Any:
        seen.append(rollout)
        return rollout.labels, memory

    method = dataclasses.replace(get_method("naive", env.outcomes), relabel=keep)
    RoutedA2C("CnnPolicy", env, method, n_steps=16, seed=0).learn(16)
    (rollout,) = seen
    assert rollout.oversight_mask.tolist() == [[[channel == 3] * 6] * 5 for channel in range(4)]
    assert rollout.observations.shape == (17, 1, 4, 5, 6)
    assert 0 <= rollout.observations.min() < rollout.observations.max() <= 1


class Picture(gymnasium.Env[np.ndarray, np.int64]):
    """A picture of 5 x 6 pixels; the action decides what the episode's only step pays."""

    observation_space = spaces.Box(0, 255, (5, 6, 3), np.uint8)
    action_space = spaces.Discrete(2)

    def reset(self, **settings: Any) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(**settings)
        return self.observation_space.sample(), {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        return self.observation_space.sample(), float(action), True, False, {}


def last_reward(final: FinalStep) -> str:
    return "gold" if final.reward > 0 else "trap"


class NoLabels(Script):
    def step(self, action: int) -> Any:
        return np.ones(1, dtype=np.int8), 1.0, True, False, {}


class Misspelt(Script):
    def step(self, action: int) -> Any:
        return np.ones(1, dtype=np.int8), 1.0, True, False, {"label": "gost"}


class OtherOutcomes(Script):
    """The spaces of the small world, other outcomes."""

    outcomes = DOORS
    observation_space = spaces.MultiBinary((4, 3, 3))
    action_space = spaces.Discrete(4)


class Continuous(Script):
    action_space = spaces.Box(-1.0, 1.0, (1,))


class Dictionary(Script):
    observation_space = spaces.Dict({"seen": spaces.MultiBinary(1)})


def test_spaces_that_are_not_supported_are_refused_with_their_cure():
    with pytest.raises(InputError, match="Discrete actions"):
        RoutedPPO("MlpPolicy", Continuous())
    for env in (Dictionary(), gymnasium.make("routed_envs/MiniGrid-DiamondGhost-6x6-v0")):
        with pytest.raises(InputError, match=r"FlattenObservation.*ImgObsWrapper"):
            RoutedPPO("MlpPolicy", env)
    with pytest.raises(InputError, match=r"Did you mean 'MlpPolicy'.*FlattenObservation"):
        RoutedPPO("MultiInputPolicy", vec_env())
    vector: Any = gymnasium.make_vec("routed_envs/DiamondGhost-v0", num_envs=2)
    with pytest.raises(InputError, match="WorldVecEnv"):
        RoutedPPO("MlpPolicy", vector)
    with pytest.raises(InputError, match="WorldVecEnv"):
        evaluate_env(routed_ppo().policy, vector)
