"""Act with an exported policy, without routed-rl or PyTorch: needs onnxruntime and numpy alone.

routed-rl export runs/demo --format onnx
python scripts/run_exported.py runs/demo/deployment/diamond.onnx
"""

import json
import sys

import numpy as np
import onnxruntime

if len(sys.argv) != 2:
    sys.exit(__doc__)
session = onnxruntime.InferenceSession(sys.argv[1])
metadata = session.get_modelmeta().custom_metadata_map
if "routed_rl" not in metadata:
    sys.exit("This is no policy of the gridworld, whose observations are made below.")
about = json.loads(metadata["routed_rl"])
print("experts in the file:", ", ".join(about["network"]["experts"]))
agent, ghost, diamond = np.array([4, 0]), (4, 4), (0, 3)
moves = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
for _ in range(32):
    observation = np.zeros((1, 4, 5, 5), dtype=np.int8)  # Agent, ghost, diamond, oversight.
    for plane, cell in enumerate((agent, ghost, diamond)):
        observation[0, plane, *cell] = 1
    probabilities = np.asarray(session.run(None, {"observations": observation})[0])
    move = list(moves)[probabilities.argmax()]
    agent = (agent + moves[move]).clip(0, 4)
    print(f"{move:5}  {probabilities.max():.2f}  now at {agent.tolist()}")
    if tuple(agent) in (ghost, diamond):
        sys.exit("It ended on the ghost." if tuple(agent) == ghost else None)
