// The view: everything that a user can change, in one record. Actors say who acts on each board.

import { PIECES } from "../model/world.js";

/** Who acts: a policy's stage, and where its dial stands.
 * @type {(policies: Policy[], policy: number, changes?: Partial<Actor>) => Actor} */
export function makeActor(policies, policy, changes = {}) {
  const { ends, stages } = policies[policy];
  const actor = { policy, stage: stages.length - 1, dial: 0, fixed: false, ends: [...ends] };
  return { ...actor, ...changes };
}

/** The dial at which the method deploys the policy, or null if the dial does not go there.
 * @type {(policy: Pick<Policy, "deploy" | "experts" | "ends">) => Steering | null} */
export function deployedDial(policy) {
  const { deploy, experts, ends } = policy;
  if (deploy === null || experts.length === 1) return { dial: 0, fixed: false, ends };
  const used = deploy.flatMap((weight, index) => (weight > 0 ? [index] : []));
  if (used.length === 1) {
    const [only] = used;
    if (only === ends[0]) return { dial: -1, fixed: false, ends };
    return { dial: 1, fixed: false, ends: only === ends[1] ? ends : [ends[0], only] };
  }
  if (used.length > 2) return null;
  const [right, left] = used.includes(ends[0]) && used.includes(ends[1]) ? [ends[1], ends[0]] : used;
  return { dial: deploy[right] - deploy[left], fixed: true, ends: [left, right] };
}

/** Whether somebody acts as the method deploys its policy.
 * @type {(policy: Policy, steering: Steering) => boolean} */
export function isDeployed(policy, { dial, fixed, ends }) {
  const deployed = deployedDial(policy);
  if (deployed === null || Math.abs(dial - deployed.dial) > 1e-9) return false;
  const atEnd = Math.abs(dial) === 1;
  if (!atEnd && fixed !== deployed.fixed) return false;
  const end = dial < 0 ? 0 : 1;
  return atEnd
    ? ends[end] === deployed.ends[end]
    : !fixed || ends.every((expert, index) => expert === deployed.ends[index]);
}

/** The first view: pieces so placed that near and far differ, and who acts side by side.
 * @type {(policies: Policy[]) => View} */
export function firstView(policies) {
  const deployed = (/** @type {number} */ index) => makeActor(policies, index, deployedDial(policies[index]) ?? {});
  const mixture = makeActor(policies, 0);
  let actors = [deployed(0), deployed(policies.length - 1)];
  if (policies.length === 1 && policies[0].several) {
    const steered = policies[0].deploy === null ? { ...mixture, dial: 1 } : deployed(0);
    actors = [mixture, steered];
  }
  return {
    ...firstPlaces(policies[0].world),
    watched: { diamond: false, ghost: false },
    greedy: false,
    seed: 0,
    // Numbers in small cells could not be read.
    cells: policies[0].world.cols > 7 ? "arrows" : "diamond",
    compare: policies.length > 1 || policies[0].several,
    actors,
  };
}

/** The agent below the middle, the ghost beside it, the diamond in a far corner.
 * @type {(world: World) => Record<Piece, number>} */
function firstPlaces(world) {
  const row = Math.min(world.rows - 1, Math.floor(world.rows / 2) + 1);
  const agent = row * world.cols + Math.floor((world.cols - 1) / 2);
  const taken = new Set([agent]);
  const free = (/** @type {number | null} */ wanted) => {
    let cell = wanted ?? 0;
    while (taken.has(cell)) cell = (cell + 1) % world.cells;
    taken.add(cell);
    return cell;
  };
  return { agent, ghost: free(world.neighbour(agent, 0, -1)), diamond: free(world.cols - 1) };
}

/** The other piece that stands in a cell, or undefined.
 * @type {(view: View, cell: number | null) => Piece | undefined} */
export function pieceAt(view, cell) {
  return PIECES.find((piece) => view[piece] === cell);
}
