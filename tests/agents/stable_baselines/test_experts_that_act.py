"""Experts that act alone: whose a slot is, what each is taught, and any kind of actions."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from baselines import (
    ARCH,
    DICTIONARY,
    Anything,
    early_is_gold,
    lesson,
    one_update,
    overseen_anything,
    routed_policy,
    routed_ppo,
    size,
    vec_env,
)
from gymnasium import spaces
from stable_baselines3.common.env_util import make_vec_env

import routed_rl
from routed_agents import (
    RoutedA2C,
    RoutedActorCriticPolicy,
    RoutedPPO,
    get_method,
    load_exported,
)
from routed_agents.policies.separation import separation
from routed_agents.stable_baselines.actor_critic import RoutedMultiInputPolicy
from routed_agents.stable_baselines.export import export_policy, keep_experts
from routed_envs import InputError, Overseen
from routed_envs.gridworld.world import OUTCOMES

ACTIONS = (
    spaces.Box(-1.0, 1.0, (2,)),
    spaces.Box(np.array([-1.0, -2.0], np.float32), np.array([1.0, 0.5], np.float32)),
    spaces.MultiDiscrete([2, 3]),
    spaces.MultiBinary(3),
    spaces.Discrete(3),
)
SEEN = spaces.Box(-1.0, 1.0, (3,))


def expert_policy(takes: spaces.Space = ACTIONS[0], shows: spaces.Space = SEEN) -> Any:
    torch.manual_seed(0)
    return RoutedActorCriticPolicy(
        shows,
        takes,
        lambda progress: 1e-3,
        experts=("gold", "trap"),
        gate="learned",
        acts="experts",
    )


def test_a_sample_teaches_the_expert_that_acted_and_no_other():
    policy = routed_policy(acts="experts")
    for actor, other in (("diamond", "ghost"), ("ghost", "diamond")):
        index = policy.experts.index(actor)
        given = dataclasses.replace(lesson(policy, "unknown"), actors=torch.full((6,), index))
        policy.zero_grad()
        values, log_prob, _ = policy.evaluate_actions(given, torch.arange(6) % 4)
        (log_prob.sum() + values.sum()).backward()
        assert size(policy.mixture.experts[actor]) > 0
        assert size(policy.mixture.experts[other]) == 0
        last: Any = policy.value_net[-1]
        assert last.weight.grad[index].abs().sum() > 0
        assert last.weight.grad[1 - index].abs().sum() == 0


def test_the_own_logits_are_those_of_each_expert_alone():
    policy = routed_policy(acts="experts")
    inputs, actors = torch.rand(6, 36), torch.tensor([1, 0, 0, 1, 1, 0])
    own = policy.mixture.own_logits(inputs, actors)
    each = policy.mixture.each_logits(inputs)
    assert torch.allclose(own, each[torch.arange(6), actors], atol=1e-6)
    block = torch.tensor([0, 0, 0, 1, 1, 1])
    solo = policy.mixture.solo_logits(inputs.unsqueeze(0))[0]
    assert torch.allclose(policy.mixture.own_logits(inputs, block), solo, atol=1e-6)


@pytest.mark.parametrize("takes", ACTIONS, ids=str)
def test_how_likely_each_expert_would_have_acted_so(takes: spaces.Space):
    policy = expert_policy(takes)
    seen = torch.rand(5, 3)
    actions = torch.as_tensor(np.stack([np.asarray(takes.sample()) for _ in range(5)])).float()
    found = policy.each_log_probability(policy.flat(seen), actions)
    for index, name in enumerate(policy.experts):
        expected = policy.steer(name).get_distribution(seen).log_prob(actions)
        assert torch.allclose(found[:, index], expected, atol=1e-6)


def test_what_a_method_sees_of_a_dictionary_is_what_the_networks_see():
    policy = RoutedPPO("MultiInputPolicy", overseen_anything(DICTIONARY, ACTIONS[0]), "inferred")
    seen: Any = {name: torch.as_tensor(part) for name, part in policy.env.reset().items()}  # pyright: ignore[reportOptionalMemberAccess,reportAttributeAccessIssue]
    flat = policy.policy.flat(seen)
    assert flat.shape == (4, 3 + 1 + 8 * 6 * 3 + 2)
    expected = policy.policy.mixture.gate_logits(policy.policy._inputs(seen)["gate"])
    assert torch.allclose(policy.policy.gate_logits(flat), expected, atol=1e-6)


@pytest.mark.parametrize("shows", [SEEN, DICTIONARY, spaces.Discrete(4)], ids=["Box", "Dict", "4"])
@pytest.mark.parametrize("takes", ACTIONS, ids=str)
def test_how_far_apart_experts_are_is_read_from_steps_of_the_rollout(
    shows: spaces.Space, takes: spaces.Space
):
    name = "MultiInputPolicy" if isinstance(shows, spaces.Dict) else "MlpPolicy"
    env = overseen_anything(shows, takes)
    model = RoutedPPO(name, env, "inferred", n_steps=8, n_epochs=1, seed=0)
    seen, taken = model.learn_rollout(32, model.begin(32))
    assert len(seen) == len(taken) == 8 * env.num_envs
    found = separation(model.policy, True, seen, taken)
    assert 0 < found["divergence"] < 1
    assert 0 < found["gate_entropy"] <= 1
    counts = model.rollout_buffer.label_counts()
    assert sum(counts.values()) == model.rollout_buffer.ended[-8:].sum()
    experts = list(model.policy.mixture.experts.values())
    experts[1].load_state_dict(experts[0].state_dict())
    if isinstance(takes, spaces.Box):
        model.policy.log_std.data[1] = model.policy.log_std.data[0]
    alike = separation(model.policy, True, seen, taken)
    assert alike["divergence"] == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("shows", [SEEN, DICTIONARY, spaces.Discrete(4)], ids=["Box", "Dict", "4"])
@pytest.mark.parametrize("takes", ACTIONS, ids=str)
def test_any_actions_and_observations_are_learned_saved_and_exported(
    shows: spaces.Space, takes: spaces.Space, tmp_path: Path
):
    name = "MultiInputPolicy" if isinstance(shows, spaces.Dict) else "MlpPolicy"
    for method in ("inferred", "inferred-model-final", "reward-model"):
        env = overseen_anything(shows, takes)
        model = RoutedPPO(name, env, method, n_steps=16, n_epochs=1, seed=0)
        before = {k: w.clone() for k, w in model.policy.state_dict().items()}
        model.learn(128)
        after = model.policy.state_dict()
        assert all(torch.isfinite(w).all() for w in after.values())
        assert any(not torch.equal(w, before[k]) for k, w in after.items())
        model.save(tmp_path / "model")
        again = RoutedPPO.load(tmp_path / "model", env=env)
        model.export(tmp_path / "policy.safetensors")
        exported = load_exported(tmp_path / "policy.safetensors")
        seen: Any = env.reset()
        for steering in (None, *(model.policy.experts[:1] if "inferred" in method else ())):
            expected, _ = model.steer(steering).predict(seen, deterministic=True)
            assert takes.contains(expected[0])
            for other in (again.policy, exported):
                found, _ = other.steer(steering).predict(seen, deterministic=True)
                assert np.array_equal(found, expected)


def test_unsteered_the_expert_acts_that_the_gate_calls_on():
    policy = expert_policy()
    seen = torch.rand(64, 3)
    with torch.no_grad():
        policy.mixture.gate[-1].weight.mul_(1e4)
    chosen = policy.gate_weights(seen).argmax(1)
    assert 0 < chosen.sum() < 64
    means = [policy.steer(name).get_distribution(seen).mode() for name in policy.experts]
    expected = torch.where(chosen.unsqueeze(1) == 0, means[0], means[1])
    assert torch.allclose(policy.get_distribution(seen).mode(), expected)


def test_a_steering_between_experts_weighs_what_the_gate_says():
    policy, seen = expert_policy(), torch.rand(32, 3)
    inputs, gate = policy._inputs(seen), policy.gate_weights(seen)
    assert torch.equal(policy.steer(0.5)._called_on(inputs), gate.argmax(1))
    expected = (gate * torch.tensor([0.2, 0.8])).argmax(1)
    assert torch.equal(policy.steer(0.2)._called_on(inputs), expected)
    assert (policy.steer("trap")._called_on(inputs) == 1).all()


def test_a_closed_route_teaches_the_experts_spread_nothing():
    policy = expert_policy()
    given = dataclasses.replace(
        lesson(routed_policy(), "unknown"),
        observations=torch.rand(6, 3),
        actors=torch.tensor([0, 0, 0, 1, 1, 1]),
    )
    given.lesson.routes.experts[:, 0] = 0.0
    policy.zero_grad()
    _, log_prob, _ = policy.evaluate_actions(given, torch.zeros(6, 2))
    log_prob.sum().backward()
    assert policy.log_std.grad[0].abs().sum() == 0
    assert policy.log_std.grad[1].abs().sum() > 0


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".safetensors", ".onnx", ".pt2"])
@pytest.mark.parametrize("takes", ACTIONS, ids=str)
def test_an_expert_of_three_is_exported_alone(takes: spaces.Space, ending: str, tmp_path: Path):
    """Whatever the actions: the file acts as the expert does, and holds no other one's weights."""
    policy = three_experts(takes)
    steered = policy.steer("trap")
    file = routed_rl.export_policy(steered, tmp_path / f"policy{ending}")
    seen = torch.rand(5, 3)
    for found, expected in zip(
        outputs(file, {"observations": seen}), steered.acting(seen), strict=True
    ):
        assert torch.allclose(found, expected, atol=1e-6)
    content = file.read_bytes()
    for name, weight in policy.mixture.state_dict().items():
        stored = weight.numpy().tobytes()[:64] in content
        assert stored == name.startswith(("experts.trap", "head")), name


@pytest.mark.slow
@pytest.mark.parametrize("takes", [ACTIONS[0], ACTIONS[4]], ids=str)
@pytest.mark.parametrize("steering", [None, {"gold": 0.3, "trap": 0.7}])
def test_several_experts_are_exported_as_they_are_steered(
    takes: spaces.Space, steering: Any, tmp_path: Path
):
    steered, seen = three_experts(takes).steer(steering), torch.rand(40, 3)
    for ending in (".safetensors", ".onnx"):
        file = routed_rl.export_policy(steered, tmp_path / f"policy{ending}")
        for found, expected in zip(
            outputs(file, {"observations": seen}), steered.acting(seen), strict=True
        ):
            assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.slow
def test_the_parts_of_a_dictionary_are_inputs_each(tmp_path: Path):
    env = overseen_anything(DICTIONARY, spaces.Discrete(3))
    policy = RoutedPPO("MultiInputPolicy", env, "inferred", n_steps=8).policy.steer("trap")
    seen = {
        "level": torch.tensor([0, 2]),
        "picture": torch.randint(256, (2, 3, 8, 6), dtype=torch.uint8),
        "place": torch.rand(2, 2),
        "oversight": torch.tensor([[0], [1]], dtype=torch.int8),
    }
    seen = {name: seen[name] for name in policy.observation_space.spaces}  # pyright: ignore
    for ending in (".safetensors", ".onnx", ".pt2"):
        file = routed_rl.export_policy(policy, tmp_path / f"policy{ending}")
        (found,) = outputs(file, seen)
        assert torch.allclose(found, policy.action_probabilities(seen), atol=1e-6)


def test_a_part_of_the_experts_acts_as_before(tmp_path: Path):
    """Its gate weighs them as before, relative to each other, and the values are each one's own."""
    policy, seen = three_experts(ACTIONS[0]), torch.rand(6, 3)
    smaller = keep_experts(policy, ("trap", "gold"))
    assert smaller.experts == ("gold", "trap")
    before = policy.gate_weights(seen)[:, [0, 2]]
    assert torch.allclose(smaller.gate_weights(seen), before / before.sum(1, keepdim=True))
    for name, index in (("gold", 0), ("trap", 2)):
        for found, expected in zip(
            smaller.steer(name).acting(seen), policy.steer(name).acting(seen), strict=True
        ):
            assert torch.equal(found, expected)
        values = policy.values_of(seen, torch.full((6,), index))
        assert torch.equal(smaller.values_of(seen, torch.full((6,), index // 2)), values)
    with pytest.raises(InputError, match="Did you mean 'gold'"):
        keep_experts(policy, ("golf",))


def three_experts(takes: spaces.Space) -> RoutedActorCriticPolicy:
    """A policy in which no two weights are the same."""
    torch.manual_seed(0)
    policy = RoutedActorCriticPolicy(
        SEEN,
        takes,
        lambda progress: 1e-3,
        experts=("gold", "other", "trap"),
        gate="learned",
        acts="experts",
    )
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return policy


def outputs(file: Path, seen: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """What an exported file says, by its own means."""
    if file.suffix == ".safetensors":
        return load_exported(file).acting(seen if len(seen) > 1 else seen["observations"])
    if file.suffix == ".pt2":
        return torch.export.load(file).module()(*seen.values())
    session = pytest.importorskip("onnxruntime").InferenceSession(file)
    found = session.run(None, {name: part.numpy() for name, part in seen.items()})
    return tuple(map(torch.as_tensor, found))


def test_parts_of_a_dictionary_keep_their_order_in_a_file(tmp_path: Path):
    pairs: Any = [("z", spaces.Box(-1, 1, (2,))), ("a", spaces.Box(-1, 1, (1,)))]
    torch.manual_seed(0)
    policy = RoutedMultiInputPolicy(spaces.Dict(pairs), spaces.Discrete(3), lambda progress: 1e-3)
    export_policy(policy, tmp_path / "policy.safetensors")
    seen = {"z": torch.rand(4, 2), "a": torch.rand(4, 1)}
    again = load_exported(tmp_path / "policy.safetensors")
    assert torch.equal(again.action_probabilities(seen), policy.action_probabilities(seen))
    other_order = dict(reversed(seen.items()))
    assert torch.equal(policy.flat(other_order), policy.flat(seen))


def test_features_of_a_dictionarys_pictures_are_as_many_as_asked():
    kwargs: Any = {"features_extractor_kwargs": {"cnn_output_dim": 5}}
    policy = RoutedMultiInputPolicy(DICTIONARY, spaces.Discrete(3), lambda progress: 1e-3, **kwargs)
    assert policy.features_dim == 3 + 5 + 2


def test_a_mixture_over_dictionaries_may_have_features_of_its_own():
    env = overseen_anything(DICTIONARY, spaces.Discrete(3))
    for routing in ("activations", "parameters"):
        kwargs = {"shared": (), "routing": routing}
        RoutedPPO("MultiInputPolicy", env, "routed", n_steps=8, policy_kwargs=kwargs).learn(32)


def test_a_model_is_not_loaded_with_a_method_in_which_others_act(tmp_path: Path):
    routed_ppo("inferred").save(tmp_path / "model")
    with pytest.raises(InputError, match="This model has"):
        RoutedPPO.load(tmp_path / "model", env=vec_env(), method=get_method("routed", OUTCOMES))


def test_an_episode_that_is_cut_off_is_worth_what_its_own_expert_says():
    def make() -> Overseen:
        return Overseen(
            Anything(SEEN, spaces.Box(-2.0, -1.0, (1,)), steps=3), ("gold", "trap"), ("gold",),
            early_is_gold, oversight=0.5, show_oversight=False,
        )  # fmt: skip

    model = RoutedA2C("MlpPolicy", make_vec_env(make, 2, seed=0), "inferred", n_steps=3, gamma=0.5)
    with torch.no_grad():
        last: Any = model.policy.value_net[-1]
        last.weight.zero_()
        last.bias.copy_(torch.tensor([4.0, 8.0]))
    one_update(model)
    # The third step pays 1 and ends the episode; its expert's value of what follows is 4, or 8.
    assert model.rollout_buffer.rewards[2].tolist() == [1 + 0.5 * 4, 1 + 0.5 * 8]


def test_the_gate_learns_from_what_it_remembers_of_overseen_endings():
    model = routed_ppo("inferred", n_steps=8)
    one_update(model)
    first = len(model.gate_memory["targets"])
    assert 0 < first == int((torch.from_numpy(model.rollout_buffer.labels) < 2).sum())
    model.learn(32, reset_num_timesteps=False, log_interval=100)
    assert len(model.gate_memory["targets"]) > first


@pytest.mark.slow
def test_inferred_routes_part_the_experts():
    """A 3 x 3 world, in which chance ends as often on either target."""
    model = routed_ppo(
        "inferred", env=vec_env(count=64), n_steps=16, n_epochs=4, learning_rate=2e-3, gamma=0.97,
        policy_kwargs={"net_arch": {"pi": [32], "vf": [32], "gate": [32]}}, ent_coef=0.05,
    )  # fmt: skip
    model.learn(60 * 1024)
    seen = vec_env(count=512)
    for name, least in (("diamond", 0.75), ("ghost", 0.75)):
        observation, ended = seen.reset(), []
        for _ in range(10):
            action, _ = model.steer(name).predict(observation)  # pyright: ignore[reportArgumentType]
            observation, _, dones, infos = seen.step(action)
            ended += [
                info["hidden_outcome"] for info, done in zip(infos, dones, strict=True) if done
            ]
        assert ended.count(name) / len(ended) > least


@pytest.mark.parametrize("method", ["routed", "inferred"])
def test_a_models_own_arguments_are_the_users_alone(method: str, tmp_path: Path):
    model = routed_ppo(method)
    assert model.policy_kwargs == ARCH
    model.save(tmp_path / "model")
    again = RoutedPPO.load(tmp_path / "model", env=vec_env(), policy_kwargs=dict(ARCH))
    assert (again.policy.acts, again.policy.experts) == (model.policy.acts, model.policy.experts)
    # Models were saved with the experts among the arguments before.
    model.policy_kwargs, model.parts = model.policy_kwargs | model.parts, {}
    model.save(tmp_path / "older")
    older = RoutedPPO.load(tmp_path / "older", env=vec_env())
    assert older.policy_kwargs == ARCH
    assert older.policy.acts == model.policy.acts
