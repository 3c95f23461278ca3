"""The policy as users meet it: steering, probabilities, predict, and its file."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch
from helpers import expert_logits, random_policy, random_states
from safetensors import safe_open
from safetensors.torch import save_file

from routed_agents import NetworkSettings, Policy, RoutedPolicyNetwork
from routed_agents.policies.steering import steering_weights
from routed_envs import DiamondGhostWorld, InputError
from routed_rl import load_policy, save_policy

WORLD = DiamondGhostWorld()
TWO = ("diamond", "ghost")


def seen(count: int = 6) -> torch.Tensor:
    return WORLD.observe(random_states(WORLD, count))


@pytest.mark.parametrize(
    ("steering", "weights"),
    [
        (None, None),
        ("ghost", (0.0, 1.0)),
        (0.8, (0.8, 0.19999999999999996)),
        (1, (1.0, 0.0)),
        ({"ghost": 0.25, "diamond": 0.75}, (0.75, 0.25)),
        ({"diamond": 1.0}, (1.0, 0.0)),
    ],
)
def test_steering_in_every_form(steering, weights):
    assert steering_weights(steering, TWO) == weights


@pytest.mark.parametrize(
    ("steering", "message"),
    [
        ("diamnod", "Did you mean 'diamond'"),
        ({"gost": 1.0}, "Did you mean 'ghost'"),
        (1.5, "from 0 to 1"),
        ({"diamond": "x"}, "from 0 to 1"),
        (-0.1, "from 0 to 1"),
        (float("nan"), "from 0 to 1"),
        ({"diamond": 0.8, "ghost": 0.8}, "sum 1.6"),
        (["diamond"], "is a list"),
        (True, "is a bool"),
    ],
)
def test_impossible_steerings_are_refused(steering, message: str):
    with pytest.raises(InputError, match=message):
        steering_weights(steering, TWO)


def test_a_number_steers_between_two_experts_only():
    assert steering_weights({"a": 0.5, "c": 0.5}, ("a", "b", "c")) == (0.5, 0.0, 0.5)
    with pytest.raises(InputError, match="two experts"):
        steering_weights(0.5, ("a", "b", "c"))
    with pytest.raises(InputError, match="nothing to steer"):
        steering_weights("policy", ("policy",))
    assert steering_weights(None, ("policy",)) is None


def test_steering_makes_a_new_policy_with_shared_weights():
    policy = random_policy()
    diamond = policy.steer("diamond")
    assert diamond.network is policy.network
    assert (policy.steering, diamond.steering) == (None, "diamond")
    probabilities = diamond.action_probabilities(seen())
    assert torch.allclose(probabilities.sum(1), torch.ones(6))
    expected = expert_logits(policy.network, seen())[:, 0].softmax(1)
    assert torch.allclose(probabilities, expected, atol=1e-6)
    assert not torch.allclose(policy.action_probabilities(seen()), expected, atol=1e-2)
    back = diamond.steer(None).action_probabilities(seen())
    assert torch.equal(back, policy.action_probabilities(seen()))


def test_numbers_in_between_interpolate_the_logits():
    policy = random_policy()
    logits = expert_logits(policy.network, seen())
    half = policy.steer(0.5).action_probabilities(seen())
    assert torch.allclose(half, logits.mean(1).softmax(1), atol=1e-6)


def test_observations_of_any_type_give_the_same():
    policy = random_policy()
    expected = policy.action_probabilities(seen())
    for other in (seen().float(), seen().numpy(), seen().numpy().astype(bool), seen().tolist()):
        assert torch.equal(policy.action_probabilities(other), expected)
    assert not expected.requires_grad


def test_predict_as_stable_baselines3_policies_do():
    policy = random_policy()
    batch = seen(200).numpy()
    actions, state = policy.predict(batch, deterministic=True)
    assert state is None
    assert actions.dtype == np.int64
    assert actions.tolist() == policy.action_probabilities(batch).argmax(1).tolist()
    action, memory = policy.predict(batch[0], state=(np.zeros(1),), deterministic=True)
    assert action == actions[0]
    assert memory is not None


def test_sampled_actions_follow_the_probabilities_and_the_policys_own_generator():
    policy = random_policy()
    one = seen(1).expand(20_000, -1, -1, -1).numpy()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    actions, _ = policy.predict(one)
    assert torch.equal(torch.get_rng_state(), before)
    shares = np.bincount(actions, minlength=4) / len(actions)
    assert np.abs(shares - policy.action_probabilities(one[:1]).numpy()[0]).max() < 0.015
    again, _ = random_policy().predict(one)
    assert np.array_equal(actions, again)


def test_wrong_shapes_are_refused():
    with pytest.raises(InputError, match=r"\[B, 4, 5, 5\]"):
        random_policy().action_probabilities(torch.zeros(2, 4, 6, 6))


def test_a_saved_policy_is_the_same_policy(tmp_path: Path):
    policy, file = random_policy(), tmp_path / "policy.safetensors"
    save_policy(policy, file)
    loaded = load_policy(file)
    assert torch.equal(loaded.action_probabilities(seen()), policy.action_probabilities(seen()))
    assert loaded.world == policy.world
    assert loaded.deploy == "diamond"
    assert loaded.experts == TWO
    first = file.read_bytes()
    save_policy(loaded, file)
    assert file.read_bytes() == first


def test_numpys_numbers_steer_and_are_saved_as_plain_ones(tmp_path: Path):
    network, file = random_policy().network, tmp_path / "policy.safetensors"
    weights = MappingProxyType({"ghost": np.float32(0.25), "diamond": np.float64(0.75)})
    steered = Policy(network, WORLD, deploy=weights).steer(np.float32(0.5))  # pyright: ignore[reportArgumentType]
    save_policy(steered, file)
    loaded = load_policy(file)
    assert (loaded.steering, loaded.deploy) == (0.5, {"ghost": 0.25, "diamond": 0.75})


def test_damaged_and_foreign_policy_files_are_refused(tmp_path: Path):
    file = tmp_path / "policy.safetensors"
    save_policy(random_policy(), file)
    whole = file.read_bytes()
    for content in (b"", whole[:100], whole[: len(whole) // 2], b"\x00" * 500, b"{}"):
        file.write_bytes(content)
        with pytest.raises(InputError, match="no policy that routed-rl saved"):
            load_policy(file)
    save_file({"x": torch.zeros(1)}, file)
    with pytest.raises(InputError, match="no policy that routed-rl saved"):
        load_policy(file)
    file.write_bytes(whole)
    with safe_open(file, "pt") as opened:
        described = opened.metadata()
        wide = {name: opened.get_tensor(name).double() for name in opened.keys()}  # noqa: SIM118
    save_file(wide, file, described)
    with pytest.raises(InputError, match="not every weight is float32"):
        load_policy(file)
    description = json.loads(described["routed_rl"])
    description["network"]["observation_shape"] = []
    shapeless = {"routed_rl": json.dumps(description)}
    save_file({name: value.float() for name, value in wide.items()}, file, shapeless)
    with pytest.raises(InputError, match="or it is damaged"):
        load_policy(file)
    with pytest.raises(InputError, match="There is no policy"):
        load_policy(tmp_path / "nowhere")


def test_a_device_that_is_not_there_is_refused_as_such(tmp_path: Path):
    file = tmp_path / "policy.safetensors"
    save_policy(random_policy(), file)
    for device in ("cdua", "cuda:99"):
        with pytest.raises(InputError, match=f"device='{device}' cannot be used here"):
            load_policy(file, device=device)


def test_what_a_world_shows_follows_the_policy_to_its_device():
    policy = random_policy()
    shown = torch.zeros(2, *policy.network.settings.observation_shape, dtype=torch.int8)
    policy.network.to("meta")
    assert policy.probabilities(shown).device.type == "meta"


def test_a_file_of_a_newer_format_says_so(tmp_path: Path):
    file = tmp_path / "policy.safetensors"
    save_file({"x": torch.zeros(1)}, file, {"routed_rl": json.dumps({"format": 99})})
    with pytest.raises(InputError, match=r"format 99.*newer routed-rl"):
        load_policy(file)


def test_a_policy_of_ones_own_world_wants_that_world(tmp_path: Path):
    class OwnWorld(DiamondGhostWorld):
        pass

    network = RoutedPolicyNetwork(NetworkSettings(TWO, "learned", (4, 5, 5), 4, (8,), (8,)))
    file = tmp_path / "policy.safetensors"
    save_policy(Policy(network, OwnWorld()), file)
    with pytest.raises(InputError, match=r"world="):
        load_policy(file)
    assert isinstance(load_policy(file, world=OwnWorld()).world, OwnWorld)
    with pytest.raises(InputError, match=r"\(4, 5, 5\) and has 4.*shows \(4, 3, 5\).*was trained"):
        load_policy(file, world=OwnWorld(rows=3))
