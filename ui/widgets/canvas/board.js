// A pad to draw a digit or to paint a hole over one. What is drawn is a list of strokes over a base, the bitmap that Python
// knew when the drawing began. The address holds the bitmap that they make, and the tab remembers the strokes: where the
// two disagree, the address is right. One object is shared by the board's parts, each of which adds what it can do:
// layer.js mark, repaint, show and bits; steps.js begin, extend, finish, undo, redo and clear; tools.js refresh.

import { fromBase64, toText } from "../codecs.js";
import { element, putPixels } from "../shared.js";
import { makeLayer } from "./layer.js";
import { followKeys, followPointer } from "./pen.js";
import { makeSteps } from "./steps.js";
import { isDrawing, makeMemory } from "./strokes.js";
import { makeTools } from "./tools.js";

const LENGTH = 560; // of the pad in its own pixels, about: each board takes a multiple of its grid
export const MODES = {
  ink: { grid: 80, sizes: [0.055, 0.085, 0.13], colour: "#fff", pen: "Pen" },
  hole: { sizes: [0.09, 0.16, 0.28], colour: "#e8590c", pen: "Brush", snaps: true }, // made of whole pixels of the picture
};

export function makeBoard(box, data, changed) {
  const mode = { grid: data.side, ...MODES[data.mode] }, side = mode.grid * Math.max(1, Math.round(LENGTH / mode.grid));
  const sheet = element("canvas", {
    width: side, height: side, class: "pad", tabindex: 0, role: "application", "aria-label":
      `${data.label}. Draw with the pointer; or move with the arrow keys, Space puts the ${mode.pen.toLowerCase()} down and lifts it, ` +
      "Control Z undoes.",
  });
  const memory = makeMemory(`${data.base}/${data.mode}-${mode.grid}`);
  const board = {
    ...mode, side, changed,
    base: "", strokes: [], undone: [], own: false, // own: chosen or drawn by the visitor, not what a page begins with
    size: 1, erasing: false, background: null,
    stroke: null, held: null, cursor: null, down: false, // what is under way, by pointer or by keys
    keep: () => memory.keep(memorable(board)),
  };
  Object.assign(board, makeLayer(board, sheet), makeSteps(board), makeTools(board));
  followPointer(board, sheet);
  followKeys(board, sheet);
  box.replaceChildren(sheet, board.bar);
  board.refresh();
  return {
    bits: () => textOf(board),
    load: (...wanted) => load(board, memory, ...wanted),
    underlay: (pixels) => underlay(board, pixels, data.side),
  };
}

const memorable = ({ base, strokes, undone, own, size, erasing }) => ({ base, strokes, undone, own, size, erasing });

function textOf(board) { // empty where nothing is drawn
  const bits = board.bits();
  return bits.some(Boolean) ? toText(bits) : "";
}

function recall(board, memory) { // false where this tab remembers no drawing of this kind, or one that is spoiled
  const kept = memory.recall();
  if (!isDrawing(kept, board.sizes)) return false;
  Object.assign(board, memorable(kept));
  try {
    board.repaint();
    return true;
  } catch { return false; } // a base that is no bitmap
}

// Python's bitmap: a link, a preset, what a page begins with. Strokes that make it stay; on a pad that opens (`fresh`)
// so do the visitor's own where the address names no bitmap.
function load(board, memory, wanted, named, fresh, sample) {
  board.stroke = null;
  board.down = false;
  if (!(recall(board, memory) && (textOf(board) === wanted || (fresh && board.own && !named)))) {
    Object.assign(board, { base: wanted, strokes: [], undone: [], own: named });
    board.repaint();
    board.keep();
  }
  board.sample = sample && !board.own;
  board.refresh();
}

function underlay(board, pixels, side) { // the digit below the hole
  board.background = null;
  if (pixels) {
    board.background = element("canvas", { width: side, height: side });
    putPixels(board.background, fromBase64(pixels), 1);
  }
  board.show();
}
