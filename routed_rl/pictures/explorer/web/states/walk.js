// Episodes: what follows some actions, and what somebody would do.

import { drawAction, seededNumbers } from "../model/random.js";
import { TIMEOUT } from "./listing.js";

/** The episode that actions make from a start; actions after its end are left out.
 * @type {(listing: Listing, start: number, actions: number[]) => Walk} */
export function walk(listing, start, actions) {
  const states = [start];
  for (const [step, action] of actions.entries()) {
    const taken = actions.slice(0, step + 1);
    const { state, ending } = listing.follow(states[step], action);
    if (ending) return { states, actions: taken, ending };
    states.push(state);
    if (taken.length === listing.world.maxSteps) {
      return { states, actions: taken, ending: { outcome: TIMEOUT, label: TIMEOUT } };
    }
  }
  return { states, actions, ending: null };
}

/** The view's actions, continued to the episode's end by the one who acts. Every step has a number
 * of its own among the seed's, so that it does not matter where one begins to sample.
 * @type {(listing: Listing, view: StatesView) => number[]} */
export function sampled(listing, { start, actions, who, seed }) {
  const number = seededNumbers(seed);
  let found = walk(listing, start, actions);
  for (const _ of found.actions) number();
  while (!found.ending) {
    const state = found.states[found.states.length - 1];
    const probabilities = listing.probabilities(who, state);
    const action = drawAction(probabilities, 0, probabilities.length, number());
    found = walk(listing, start, [...found.actions, action]);
  }
  return found.actions;
}

/** A start, as likely as episodes start there at a degree of oversight.
 * @type {(listing: Listing, level: number, number: number) => number} */
export function drawStart(listing, level, number) {
  const { starts, chances, world } = listing;
  const likely = starts.map((state) => chances[level * world.states + state]);
  return starts[drawAction(likely, 0, starts.length, number)];
}
