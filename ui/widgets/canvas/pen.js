// The pen on a board, led by a pointer or by the arrow keys.

import { clamp } from "../shared.js";

const STEPS = 40; // of the arrow keys from side to side
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function lift(board) { // the keyboard's stroke ends here
  if (!board.down) return;
  board.down = false;
  board.finish();
}

export function followPointer(board, sheet) {
  const place = (event) => {
    const r = sheet.getBoundingClientRect();
    const across = [(event.clientX - r.left) / r.width, (event.clientY - r.top) / r.height];
    return across.map((v) => Math.round(10 * board.side * v) / 10); // more would only fill the memory
  };
  sheet.onpointerdown = (event) => {
    if (event.button || board.held !== null) return;
    board.held = event.pointerId;
    sheet.setPointerCapture(board.held);
    board.cursor = null;
    lift(board);
    board.begin(place(event));
  };
  sheet.onpointermove = (event) => {
    if (event.pointerId !== board.held || !board.stroke) return;
    const all = event.getCoalescedEvents?.() ?? [];
    board.extend((all.length ? all : [event]).map(place));
  };
  sheet.onpointerup = sheet.onpointercancel = (event) => {
    if (event.pointerId !== board.held) return;
    board.held = null;
    board.finish();
  };
}

export function followKeys(board, sheet) {
  function go(way, faster) {
    const length = (board.side / STEPS) * (faster ? 4 : 1);
    board.cursor = board.cursor.map((v, i) => clamp(v + way[i] * length, 0, board.side));
    if (board.down) board.extend([board.cursor]);
  }

  sheet.onkeydown = (event) => {
    const command = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
    if (command && (key === "z" || key === "y")) {
      event.preventDefault();
      return key === "y" || event.shiftKey ? board.redo() : board.undo();
    }
    if (command || event.altKey || board.held !== null) return;
    const way = ARROWS[event.key];
    if (!way && event.key !== " ") return;
    event.preventDefault();
    board.cursor ??= [board.side / 2, board.side / 2];
    if (way) go(way, event.shiftKey);
    else if (board.down) lift(board);
    else {
      board.down = true;
      board.begin(board.cursor);
    }
    board.show();
  };
  sheet.onblur = () => { lift(board); board.show(); };
}
