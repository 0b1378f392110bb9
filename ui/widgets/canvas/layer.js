// What a board shows: the strokes on a layer of their own, above the picture that they cover.

import { fromText, unpackBits } from "../codecs.js";
import { makeBitmap } from "./strokes.js";

export function makeLayer(board, sheet) {
  const { grid, side, colour } = board, paper = sheet.getContext("2d"), cell = side / grid;
  const layer = new OffscreenCanvas(side, side), ink = layer.getContext("2d"), bitmap = makeBitmap(grid, side);

  function mark(path, from) { // paint the points of one stroke from this index on
    ink.globalCompositeOperation = path.erase ? "destination-out" : "source-over";
    ink.strokeStyle = colour;
    ink.lineWidth = path.width;
    ink.lineCap = ink.lineJoin = "round";
    ink.beginPath();
    ink.moveTo(...path.points[Math.max(0, from - 1)]);
    for (const point of path.points.slice(from)) ink.lineTo(...point);
    ink.stroke();
    bitmap.mark(path, from);
  }

  function fillBits(context, bits) { // squares of the grid
    context.globalCompositeOperation = "source-over";
    context.fillStyle = colour;
    for (const place of unpackBits(bits)) context.fillRect((place % grid) * cell, Math.floor(place / grid) * cell, cell, cell);
  }

  function lay(bits) { // a bitmap, or null for none, in place of everything
    ink.clearRect(0, 0, side, side);
    if (bits) fillBits(ink, bits);
    bitmap.lay(bits);
  }

  function repaint() {
    lay(board.base ? fromText(board.base) : null);
    for (const path of board.strokes) {
      if (path.clear) lay(null);
      else mark(path, 0);
    }
    show();
  }

  function show() {
    paper.globalAlpha = 1;
    paper.fillStyle = "#000";
    paper.fillRect(0, 0, side, side);
    if (board.background) {
      paper.imageSmoothingEnabled = false;
      paper.drawImage(board.background, 0, 0, side, side);
      paper.globalAlpha = 0.75;
    }
    if (board.snaps) fillBits(paper, bitmap.bits()); // whole pixels, as the model will see the hole
    else paper.drawImage(layer, 0, 0);
    paper.globalAlpha = 1;
    if (board.cursor && sheet.matches(":focus")) ring(board, paper);
  }

  return { mark, repaint, show, bits: bitmap.bits };
}

function ring({ sizes, size, side, cursor, down }, paper) { // where the arrow keys are
  paper.strokeStyle = down ? "#4c9aff" : "#8899aa";
  paper.lineWidth = 3;
  paper.beginPath();
  paper.arc(...cursor, (sizes[size] * side) / 2 + 3, 0, 7);
  paper.stroke();
}
