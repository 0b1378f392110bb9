// The steps of a drawing, which can be undone.

export function makeSteps(board) {
  function finished() {
    board.own = true;
    board.refresh();
    board.keep();
    board.changed(true);
  }

  function begin(point) {
    if (board.sample) Object.assign(board, { base: "", sample: false }).repaint(); // it was there to be replaced
    board.stroke = { width: board.sizes[board.size] * board.side, erase: board.erasing, points: [point, point] };
    board.undone = [];
    board.mark(board.stroke, 0);
    board.show();
    board.changed(false);
  }

  function extend(points) {
    const { stroke } = board, from = stroke.points.length;
    for (const point of points) {
      const [x, y] = stroke.points.at(-1);
      if (Math.hypot(point[0] - x, point[1] - y) >= 1) stroke.points.push(point); // what is nearer shows nothing
    }
    board.mark(stroke, from);
    board.show();
    board.changed(false);
  }

  function finish() {
    if (!board.stroke) return;
    board.strokes.push(board.stroke);
    board.stroke = null;
    finished();
  }

  function step(from, to) {
    if (board.stroke || !from.length) return;
    to.push(from.pop());
    board.repaint();
    finished();
  }

  function clear() {
    if (!board.bits().some(Boolean)) return;
    board.strokes.push({ clear: true });
    board.undone = [];
    board.repaint();
    finished();
  }

  const undo = () => step(board.strokes, board.undone), redo = () => step(board.undone, board.strokes);
  return { begin, extend, finish, undo, redo, clear };
}
