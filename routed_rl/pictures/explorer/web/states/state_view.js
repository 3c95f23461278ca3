// The view: everything that a user can change, and the words that say it in an address.

import { oneOf, wholeBelow } from "../page/address.js";
import { walk } from "./walk.js";

/** The deployed policy, in the start where it differs most from the mixture (or, where the mixture is
 * deployed, from whoever else may act).
 * @type {(listing: Listing) => StatesView} */
export function firstView(listing) {
  const who = listing.performers.findIndex(({ deployed }) => deployed);
  const others = who === 0 ? [...listing.performers.keys()] : [0];
  const gap = (/** @type {number} */ state) => {
    const own = listing.result(who, state).return;
    return Math.max(...others.map((other) => Math.abs(listing.result(other, state).return - own)));
  };
  const level = 0; // Where nobody watches, as it will be in deployment.
  const { starts, chances, world } = listing;
  const unwatched = starts.filter((state) => chances[level * world.states + state] > 0);
  const gaps = unwatched.map(gap);
  const start = unwatched[gaps.indexOf(Math.max(...gaps))];
  return { start, actions: [], who, seed: 0, level };
}

/** A view as words for an address. @type {(view: StatesView) => string} */
export function viewWords({ start, actions, who, seed, level }) {
  const words = { start, actions: actions.join("-") || "none", who, seed, oversight: level };
  const texts = Object.entries(words).map(([name, value]) => [name, String(value)]);
  return new URLSearchParams(texts).toString();
}

/** The view that words describe; throws an Error that names what cannot be used.
 * @type {(text: string, listing: Listing) => StatesView} */
export function readView(text, listing) {
  const words = new URLSearchParams(text);
  const first = firstView(listing);
  const starts = listing.starts.map(String);
  const start = Number(oneOf(words, "start", starts, String(first.start)));
  return {
    start,
    actions: readActions(words, listing, start),
    who: wholeBelow(words, "who", listing.performers.length, first.who),
    seed: wholeBelow(words, "seed", 2 ** 32, first.seed),
    level: wholeBelow(words, "oversight", listing.levels.length, first.level),
  };
}

/** The actions among words, if an episode can take them.
 * @type {(words: URLSearchParams, listing: Listing, start: number) => number[]} */
function readActions(words, listing, start) {
  const text = words.get("actions") ?? "none";
  if (text === "none") return [];
  const actions = text.split("-").map(Number);
  const known = /^\d+(-\d+)*$/.test(text) && actions.every((action) => action in listing.world.actions);
  if (!known || walk(listing, start, actions).actions.length < actions.length) {
    throw new Error(`actions=${text}`);
  }
  return actions;
}
