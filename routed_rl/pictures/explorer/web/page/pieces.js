// Moving the pieces of a board: by mouse or touch, by tapping a cell, and by the keyboard.

import { MOVES, PIECES } from "../model/world.js";
import { pieceAt } from "./view.js";

/** @type {Record<string, number>} */
const ARROW_KEYS = { ArrowUp: 0, ArrowRight: 1, ArrowDown: 2, ArrowLeft: 3 };

/** Let a user move a board's pieces. @type {(board: Board, act: BoardActs) => void} */
export function movePieces(board, act) {
  /** @type {Piece | null} */
  let held = null;
  /** @type {Piece} */
  let chosen = "agent";

  const cellUnder = (/** @type {MouseEvent | Touch} */ event) => {
    const box = board.node.getBoundingClientRect();
    const col = Math.floor(((event.clientX - box.left) / box.width) * board.world.cols);
    const row = Math.floor(((event.clientY - box.top) / box.height) * board.world.rows);
    return board.world.neighbour(0, row, col);
  };
  const hold = (/** @type {Piece | null} */ piece) => {
    held = piece;
    board.node.classList.toggle("dragging", piece !== null);
  };

  board.node.addEventListener("pointerdown", (event) => {
    const piece = pieceAt(act.view(), cellUnder(event));
    if (!piece || event.button !== 0) return;
    event.preventDefault(); // No selection of text, and the focus goes to the piece:
    board.pieces[piece].focus({ preventScroll: true });
    hold(piece);
    board.node.setPointerCapture(event.pointerId);
  });
  board.node.addEventListener("pointermove", (event) => {
    if (held === null) return;
    const cell = cellUnder(event);
    if (cell !== null && cell !== act.view()[held]) act.move(held, cell);
  });
  board.node.addEventListener(
    "touchstart",
    (event) => {
      // A finger on a piece drags it; anywhere else on the board it may scroll the page.
      if (pieceAt(act.view(), cellUnder(event.touches[0]))) event.preventDefault();
    },
    { passive: false },
  );
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    board.node.addEventListener(end, () => hold(null));
  }
  board.node.addEventListener("click", (event) => {
    const cell = cellUnder(event);
    if (cell !== null && pieceAt(act.view(), cell) === undefined) act.move(chosen, cell);
  });
  for (const piece of PIECES) {
    const node = board.pieces[piece];
    node.addEventListener("focus", () => {
      chosen = piece;
    });
    node.addEventListener("keydown", (event) => pressed(event, piece, board.world, act));
  }
}

/** A key was pressed on a piece.
 * @type {(event: KeyboardEvent, piece: Piece, world: World, act: BoardActs) => void} */
function pressed(event, piece, world, act) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key in ARROW_KEYS) {
    const [down, right] = MOVES[ARROW_KEYS[event.key]];
    // Over other pieces the piece jumps to the next free cell.
    let cell = world.neighbour(act.view()[piece], down, right);
    while (cell !== null && pieceAt(act.view(), cell)) cell = world.neighbour(cell, down, right);
    if (cell !== null) act.move(piece, cell);
    else act.refuse(piece);
  } else if (event.key.toLowerCase() === "o" && piece !== "agent") {
    act.watch(piece);
  } else {
    return;
  }
  event.preventDefault(); // Arrow keys must not scroll the page as well.
}
