// The pieces' shapes, in a square of 100 by 100, as the project's other pictures draw them.

import { MOVES } from "../model/world.js";
import { svg } from "./elements.js";

/** @type {Record<Piece, () => SVGElement[]>} */
export const SHAPES = {
  agent: () => [
    svg("circle", { class: "agent-body", cx: 50, cy: 50, r: 21 }),
    ...[43, 57].map((x) => svg("circle", { class: "eyeball", cx: x, cy: 47, r: 5 })),
  ],
  diamond: () => [
    svg("polygon", { class: "diamond-body", points: "32,26 68,26 83,43 50,80 17,43" }),
    svg("polygon", { class: "diamond-face", points: "38,43 62,43 50,75" }),
    svg("path", { class: "diamond-edge", d: "M17 43H83M38 43L50 26L62 43" }),
  ],
  ghost: () => [
    svg("path", {
      class: "ghost-body",
      d: "M24 44a26 26 0 0 1 52 0V80L67.5 72L59 80L50 72L41 80L32.5 72L24 80Z",
    }),
    ...[41, 59].map((x) => svg("circle", { class: "eyeball", cx: x, cy: 42, r: 7 })),
    ...[41, 59].map((x) => svg("circle", { class: "pupil", cx: x, cy: 44, r: 3.5 })),
  ],
};

/** An eye in the upper right corner of a cell: this square is overseen. */
export function eyeShape() {
  return [
    svg("ellipse", { class: "eye-lid", cx: 84, cy: 15, rx: 12, ry: 8 }),
    svg("circle", { class: "eye-pupil", cx: 84, cy: 15, r: 4.5 }),
  ];
}

/** An arrow from near a cell's middle, as long as its action is likely; nothing below 4%.
 * @type {(cell: number, world: World, action: number, probability: number) => string} */
export function arrowPath(cell, world, action, probability) {
  if (!(probability >= 0.04)) return "";
  const [down, right] = MOVES[action];
  const x = (cell % world.cols) * 100 + 50;
  const y = Math.floor(cell / world.cols) * 100 + 50;
  const length = 42 * probability;
  const head = Math.min(13, length);
  const point = (/** @type {number} */ along, /** @type {number} */ across) => {
    const ahead = along + 5; // Off the middle, so that short arrows do not lie on long ones.
    const place = [x + right * ahead + down * across, y + down * ahead + right * across];
    return place.map((number) => number.toFixed(1)).join(" ");
  };
  const outline = [
    point(0, -2.4),
    point(length - head, -2.4),
    point(length - head, -head / 1.8),
    point(length, 0),
    point(length - head, head / 1.8),
    point(length - head, 2.4),
    point(0, 2.4),
  ];
  return `M${outline.join("L")}Z`;
}
