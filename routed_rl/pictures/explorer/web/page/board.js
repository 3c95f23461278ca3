// A board: cells with their shade and arrows, the pieces, and the rollout that is played.

import { capital, numberText, percentText } from "../model/texts.js";
import { MOVES, PIECES, TARGETS } from "../model/world.js";
import { setAttributes, setText, svg } from "./elements.js";
import { movePieces } from "./pieces.js";
import { arrowPath, eyeShape, SHAPES } from "./shapes.js";

/** Draws one grid. What a user does on it goes to `act`, see pieces.js. */
export class Board {
  /** @param {World} world @param {BoardActs} act */
  constructor(world, act) {
    this.world = world;
    this.cells = Array.from({ length: world.cells }, (_, cell) => this.makeCell(cell));
    this.pieces = {
      agent: this.makePiece("agent"),
      diamond: this.makePiece("diamond"),
      ghost: this.makePiece("ghost"),
    };
    this.start = svg("circle", { class: "start", r: 30 });
    this.trail = svg("polyline", { class: "trail" });
    this.walker = svg("g", { class: "walker" }, ...SHAPES.agent());
    this.node = svg(
      "svg",
      {
        class: "board",
        viewBox: `-1 -1 ${world.cols * 100 + 2} ${world.rows * 100 + 2}`,
        role: "application",
        "aria-roledescription": "board",
      },
      ...this.cells.map(({ group }) => group),
      ...this.cells.map(({ arrows }) => arrows),
      this.trail,
      this.start,
      this.pieces.diamond,
      this.pieces.ghost,
      this.pieces.agent,
      this.walker,
      ...this.cells.map(({ number }) => number),
    );
    movePieces(this, act);
  }

  /** @param {number} cell */
  makeCell(cell) {
    const [x, y] = this.corner(cell);
    const square = svg("rect", { class: "cell", x, y, width: 100, height: 100 });
    const frame = svg("rect", { class: "frame", x: x + 3, y: y + 3, width: 94, height: 94 });
    const eye = svg("g", { transform: `translate(${x} ${y})` }, ...eyeShape());
    const watched = svg("g", { class: "watched" }, frame, eye);
    const arrows = svg("path", { class: "arrows" });
    const number = svg("text", { class: "number", x: x + 6, y: y + 93 });
    return { group: svg("g", {}, square, watched), square, watched, arrows, number };
  }

  /** @param {Piece} piece */
  makePiece(piece) {
    const hit = svg("rect", { class: "hit", width: 100, height: 100, rx: 10 });
    const shape = svg("g", {}, ...SHAPES[piece]());
    const attributes = { class: `piece ${piece}`, tabindex: 0, role: "button" };
    return svg("g", { ...attributes, "aria-roledescription": "piece" }, hit, shape);
  }

  /** @type {(cell: number) => [number, number]} */
  corner(cell) {
    return [(cell % this.world.cols) * 100, Math.floor(cell / this.world.cols) * 100];
  }

  /** @type {(node: SVGElement, cell: number, extra?: string) => void} */
  place(node, cell, extra = "") {
    const [x, y] = this.corner(cell);
    node.setAttribute("transform", `translate(${x} ${y})${extra}`);
  }

  /** Show a view: who acts has `acting`, the exact figures are `values`.
   * @type {(view: View, acting: Answer, values: FigureLists, name: string) => void} */
  draw(view, acting, values, name) {
    const world = this.world;
    this.node.setAttribute("aria-label", `Board of ${name}, ${world.rows} by ${world.cols} cells`);
    for (const piece of PIECES) this.drawPiece(piece, view);
    this.cells.forEach((parts, cell) => {
      parts.square.style.fill = shade(acting.weights[cell], acting.ends);
      const target = TARGETS.find((piece) => view[piece] === cell);
      parts.watched.style.display = target && view.watched[target] ? "" : "none";
      const paths = target
        ? []
        : MOVES.map((_, action) =>
            arrowPath(cell, world, action, acting.probabilities[cell * MOVES.length + action]),
          );
      parts.arrows.setAttribute("d", paths.join(""));
      setText(parts.number, target ? "" : cellNumber(view.cells, values, cell));
    });
  }

  /** @type {(piece: Piece, view: View) => void} */
  drawPiece(piece, view) {
    const node = this.pieces[piece];
    this.place(node, view[piece]);
    const watched = piece !== "agent" && view.watched[piece] ? ", with oversight" : "";
    const toggle = piece === "agent" ? "" : " O toggles oversight.";
    const place = this.world.placeName(view[piece]);
    node.setAttribute(
      "aria-label",
      `${capital(piece)}, ${place}${watched}. Arrow keys move it.${toggle}`,
    );
  }

  /** Show the first steps of a path, or no rollout at all.
   * @type {(path: Path | undefined, steps: number) => void} */
  drawRollout(path, steps) {
    const shown = path ? path.cells.slice(0, steps + 1) : [];
    this.node.classList.toggle("playing", shown.length > 0);
    if (!path || shown.length === 0) return;
    const middles = shown.map((cell) => this.corner(cell).map((x) => x + 50));
    this.trail.setAttribute("points", middles.map((middle) => middle.join()).join(" "));
    setAttributes(this.start, { cx: middles[0][0], cy: middles[0][1] });
    // On a target the agent is drawn small, so that both can be seen.
    const over = path.outcome !== "timeout" && shown.length === path.cells.length;
    this.place(this.walker, shown[shown.length - 1], over ? " translate(3 42) scale(0.55)" : "");
  }
}

/** The colour of a cell: the more one end of the dial decides there, the more of its colour.
 * @type {(weights: number[] | null, ends: number[]) => string} */
function shade(weights, ends) {
  if (weights === null || weights.length === 1) return "var(--paper)";
  const difference = weights[ends[1]] - weights[ends[0]];
  const colour = difference > 0 ? "var(--diamond)" : "var(--ghost)";
  const share = (50 * Math.abs(difference)).toFixed(1);
  return `color-mix(in srgb, ${colour} ${share}%, var(--paper))`;
}

/** The number that a cell shows, if any.
 * @type {(shown: View["cells"], values: FigureLists, cell: number) => string} */
function cellNumber(shown, values, cell) {
  if (shown === "arrows") return "";
  const value = values[shown][cell];
  return shown === "return" ? numberText(value, 2) : percentText(value, 0);
}
