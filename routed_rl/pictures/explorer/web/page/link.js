// The view as the part of the address after "#", so that a link shows what its sender saw.

import { PIECES, TARGETS } from "../model/world.js";
import { oneOf, wholeBelow } from "./address.js";
import { firstView, makeActor } from "./view.js";

/** @type {View["cells"][]} */
const SHOWN_IN_CELLS = ["arrows", "diamond", "ghost", "return"];

/** A view as words for an address. @type {(view: View) => string} */
export function viewToWords(view) {
  const words = new URLSearchParams();
  for (const piece of PIECES) words.set(piece, String(view[piece]));
  words.set("watched", TARGETS.filter((target) => view.watched[target]).join("-") || "none");
  words.set("actions", view.greedy ? "greedy" : "sampled");
  words.set("seed", String(view.seed));
  words.set("cells", view.cells);
  words.set("compare", view.compare ? "yes" : "no");
  view.actors.forEach(({ policy, stage, dial, fixed, ends }, index) => {
    const side = index + 1;
    words.set(`policy${side}`, String(policy));
    words.set(`stage${side}`, String(stage));
    words.set(`dial${side}`, String(dial));
    words.set(`gate${side}`, fixed ? "fixed" : "learned");
    words.set(`ends${side}`, ends.join("-"));
  });
  return words.toString();
}

/** The view that words describe; throws an Error that names what cannot be used.
 * @type {(text: string, policies: Policy[]) => View} */
export function wordsToView(text, policies) {
  const words = new URLSearchParams(text);
  const view = firstView(policies);
  const cells = policies[0].world.cells;
  for (const piece of PIECES) view[piece] = wholeBelow(words, piece, cells, view[piece]);
  if (new Set(PIECES.map((piece) => view[piece])).size < PIECES.length) {
    throw new Error("two pieces on one cell");
  }
  const watched = oneOf(words, "watched", ["none", "diamond", "ghost", "diamond-ghost"], "none");
  for (const target of TARGETS) view.watched[target] = watched.includes(target);
  view.greedy = oneOf(words, "actions", ["sampled", "greedy"], "sampled") === "greedy";
  view.seed = wholeBelow(words, "seed", 2 ** 32, view.seed);
  view.cells = oneOf(words, "cells", SHOWN_IN_CELLS, view.cells);
  view.compare = oneOf(words, "compare", ["yes", "no"], view.compare ? "yes" : "no") === "yes";
  view.actors = view.actors.map((actor, index) => wordsToActor(words, index + 1, actor, policies));
  return view;
}

/** Who acts on one side.
 * @type {(words: URLSearchParams, side: number, usual: Actor, policies: Policy[]) => Actor} */
function wordsToActor(words, side, usual, policies) {
  const policy = wholeBelow(words, `policy${side}`, policies.length, usual.policy);
  const start = policy === usual.policy ? usual : makeActor(policies, policy);
  const { stages, experts } = policies[policy];
  const dial = words.has(`dial${side}`) ? Number(words.get(`dial${side}`)) : start.dial;
  if (!(Math.abs(dial) <= 1)) throw new Error(`dial${side}=${words.get(`dial${side}`)}`);
  const gate = oneOf(words, `gate${side}`, ["learned", "fixed"], start.fixed ? "fixed" : "learned");
  const ends = (words.get(`ends${side}`) ?? start.ends.join("-")).split("-").map(Number);
  const known = ends.length === 2 && ends.every((end) => Number.isInteger(end) && end in experts);
  if (!known || (experts.length > 1 && ends[0] === ends[1])) {
    throw new Error(`ends${side}=${words.get(`ends${side}`)}`);
  }
  const stage = wholeBelow(words, `stage${side}`, stages.length, start.stage);
  return { policy, stage, dial: experts.length > 1 ? dial : 0, fixed: gate === "fixed", ends };
}
