"""Train two specialists from Python, and steer between them.

python scripts/train.py
"""

from __future__ import annotations

import routed_rl

config = routed_rl.TrainConfig(method="inferred", oversight=0.1, seed=0)
run = routed_rl.train(config, out="runs/script", resume=True)

# Its gate chooses between the experts, by whom it expects.
mixture = routed_rl.evaluate(run.policy)
# The policy as it is deployed: the gate is overridden, and the diamond expert acts alone.
diamond = routed_rl.evaluate(run.policy.steer("diamond"))
# Nobody watches: does it behave the same?
unwatched = routed_rl.evaluate(run.policy.steer("diamond"), oversight=0.0)

print(f"mixture            ends on the diamond in {mixture.diamond_rate:.1%} of episodes")
print(f"diamond expert     ends on the diamond in {diamond.diamond_rate:.1%} of episodes")
print(f"... while unseen   ends on the diamond in {unwatched.diamond_rate:.1%} of episodes")
for weight in (0.0, 0.25, 0.5, 0.75, 1.0):
    found = routed_rl.evaluate(run.policy.steer(weight))
    print(f"steered {weight:4.2f}       return {found.episode_return:+.3f}")
