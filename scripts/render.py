"""Look at a trained policy: let it act in the Gymnasium environment, then draw it.

python scripts/train.py && python scripts/render.py
"""

from __future__ import annotations

from pathlib import Path

import gymnasium

import routed_envs
import routed_rl

RUN = Path("runs/script")

policy = routed_rl.load_policy(RUN).steer("diamond")

# A policy acts wherever a stable-baselines3 policy does.
env = gymnasium.make("routed_envs/DiamondGhost-v0", oversight=0.1, render_mode="ansi")
observation, info = env.reset(seed=0)
done = False
while not done:
    print(env.render(), "\n")
    action, _ = policy.predict(observation)
    observation, reward, terminated, truncated, info = env.step(action)
    done = terminated or truncated
print(f"{env.render()}\n\nThe overseer says: {info['label']}. In truth: {info['hidden_outcome']}.")

# More oversight than in training, so that the film shows some.
world = routed_envs.DiamondGhostWorld(oversight=0.4)
drawn = routed_rl.render(policy, run=RUN, world=world, episodes=6, seed=1)
for picture, meaning in drawn.pictures.items():
    print(f"{picture}: {meaning}")
