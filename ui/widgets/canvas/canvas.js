// The visitor's hand: a pad to draw a digit or to paint a hole over one, and pictures that follow every move.
// What is drawn is a list of strokes over a base, the bitmap that Python knew when the drawing began. The address holds
// the bitmap that they make, and the tab remembers the strokes: where the two disagree, the address is right.

import { mount, writeAddress } from "../bridge.js";
import { deflate, fromBase64, fromText, toText, unpackBits } from "../codecs.js";
import { element, makeAsker, putPixels } from "../shared.js";
import { isDrawing, makeBitmap, makeMemory } from "./strokes.js";

const LENGTH = 560; // of the pad in its own pixels, about: each board takes a multiple of its grid
const MODES = {
  ink: { grid: 80, sizes: [0.055, 0.085, 0.13], start: 1, ink: "#fff", pen: "Pen" },
  hole: { sizes: [0.09, 0.16, 0.28], start: 1, ink: "#e8590c", pen: "Brush", snaps: true },
};
const SIZE_NAMES = ["Thin", "Medium", "Thick"];
const STEPS = 40; // of the arrow keys from side to side

function makeBoard(box, data, changed) {
  const { grid = data.side, sizes, start, ink: colour, pen, snaps } = MODES[data.mode]; // a hole is made of whole pixels
  const SIDE = grid * Math.max(1, Math.round(LENGTH / grid));
  const sheet = element("canvas", {
    width: SIDE, height: SIDE, class: "pad", tabindex: 0, role: "application", "aria-label":
      `${data.label}. Draw with the pointer; or move with the arrow keys, Space puts the ${pen.toLowerCase()} down and lifts it, ` +
      "Control Z undoes.",
  });
  const paper = sheet.getContext("2d");
  const layer = new OffscreenCanvas(SIDE, SIDE), ink = layer.getContext("2d");
  const bitmap = makeBitmap(grid, SIDE), memory = makeMemory(`${data.base}/${data.mode}-${grid}`);
  let base = "", background = null, strokes = [], undone = [], stroke = null, held = null, cursor = null, down = false;
  let erasing = false, size = start, own = false; // own: chosen or drawn by the visitor, not what a page begins with

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
    const cell = SIDE / grid;
    context.globalCompositeOperation = "source-over";
    context.fillStyle = colour;
    for (const place of unpackBits(bits)) context.fillRect((place % grid) * cell, Math.floor(place / grid) * cell, cell, cell);
  }

  function lay(bits) { // a bitmap, or null for none, in place of everything
    ink.clearRect(0, 0, SIDE, SIDE);
    if (bits) fillBits(ink, bits);
    bitmap.lay(bits);
  }

  function repaint() {
    lay(base ? fromText(base) : null);
    for (const path of strokes) path.clear ? lay(null) : mark(path, 0);
    show();
  }

  function show() {
    paper.globalAlpha = 1;
    paper.fillStyle = "#000";
    paper.fillRect(0, 0, SIDE, SIDE);
    if (background) {
      paper.imageSmoothingEnabled = false;
      paper.drawImage(background, 0, 0, SIDE, SIDE);
      paper.globalAlpha = 0.75;
    }
    if (snaps) fillBits(paper, bitmap.bits()); // whole pixels, as the model will see the hole
    else paper.drawImage(layer, 0, 0);
    paper.globalAlpha = 1;
    if (cursor && document.activeElement && sheet.matches(":focus")) {
      paper.strokeStyle = down ? "#4c9aff" : "#8899aa";
      paper.lineWidth = 3;
      paper.beginPath();
      paper.arc(...cursor, (sizes[size] * SIDE) / 2 + 3, 0, 7);
      paper.stroke();
    }
  }

  const keep = () => memory.keep({ base, strokes, undone, size, erasing, own });
  function finished() {
    own = true;
    refresh();
    keep();
    changed(true);
  }

  function begin(point) {
    stroke = { width: sizes[size] * SIDE, erase: erasing, points: [point, point] };
    undone = [];
    mark(stroke, 0);
    show();
    changed(false);
  }
  function extend(points) {
    const from = stroke.points.length;
    for (const point of points) {
      const [x, y] = stroke.points.at(-1);
      if (Math.hypot(point[0] - x, point[1] - y) >= 1) stroke.points.push(point); // what is nearer shows nothing
    }
    mark(stroke, from);
    show();
    changed(false);
  }
  function finish() {
    if (!stroke) return;
    strokes.push(stroke);
    stroke = null;
    finished();
  }
  function step(from, to) { // undo and redo
    if (stroke || !from.length) return;
    to.push(from.pop());
    repaint();
    finished();
  }
  const undo = () => step(strokes, undone), redo = () => step(undone, strokes);
  function clear() {
    if (!bitmap.bits().some(Boolean)) return;
    strokes.push({ clear: true });
    undone = [];
    repaint();
    finished();
  }

  const place = (event) => {
    const r = sheet.getBoundingClientRect();
    const across = [(event.clientX - r.left) / r.width, (event.clientY - r.top) / r.height];
    return across.map((v) => Math.round(10 * SIDE * v) / 10); // more would only fill the memory
  };
  sheet.onpointerdown = (event) => {
    if (event.button || held !== null) return;
    held = event.pointerId;
    sheet.setPointerCapture(held);
    cursor = null;
    if (down) { down = false; finish(); } // the keyboard's stroke ends here
    begin(place(event));
  };
  sheet.onpointermove = (event) => {
    if (event.pointerId !== held || !stroke) return;
    const all = event.getCoalescedEvents?.() ?? [];
    extend((all.length ? all : [event]).map(place));
  };
  sheet.onpointerup = sheet.onpointercancel = (event) => {
    if (event.pointerId !== held) return;
    held = null;
    finish();
  };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  sheet.onkeydown = (event) => {
    const command = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
    if (command && (key === "z" || key === "y")) {
      event.preventDefault();
      return key === "y" || event.shiftKey ? redo() : undo();
    }
    if (command || event.altKey || held !== null) return;
    const way = arrows[event.key];
    if (!way && event.key !== " ") return;
    event.preventDefault();
    cursor ??= [SIDE / 2, SIDE / 2];
    if (way) {
      cursor = cursor.map((v, i) => Math.max(0, Math.min(SIDE, v + way[i] * (SIDE / STEPS) * (event.shiftKey ? 4 : 1))));
      if (down) extend([cursor]);
    } else if (down) {
      down = false;
      finish();
    } else {
      down = true;
      begin(cursor);
    }
    show();
  };
  sheet.onblur = () => { if (down) { down = false; finish(); } show(); };

  const button = (text, action, attributes = {}) => {
    const made = element("button", { type: "button", ...attributes }, text);
    made.onclick = action;
    return made;
  };
  const choose = (erase) => { erasing = erase; refresh(); keep(); };
  const tools = [button(pen, () => choose(false)), button("Eraser", () => choose(true))];
  const dots = sizes.map((width, i) => {
    const dot = element("span", { class: "dot", style: `width:${8 * (i + 1)}px;height:${8 * (i + 1)}px` });
    return button(dot, () => { size = i; refresh(); keep(); }, { "aria-label": `${SIZE_NAMES[i]} ${pen.toLowerCase()}`, class: "size" });
  });
  const undoing = button("Undo", undo), redoing = button("Redo", redo), clearing = button("Clear", clear);
  function refresh() {
    tools.forEach((tool, i) => tool.setAttribute("aria-pressed", Boolean(i) === erasing));
    dots.forEach((dot, i) => dot.setAttribute("aria-pressed", i === size));
    undoing.disabled = !strokes.length;
    redoing.disabled = !undone.length;
  }
  const group = (name, ...buttons) => element("div", { class: "group", role: "group", "aria-label": name }, ...buttons);
  const bar = element("div", { class: "tools" }, group("Tool", ...tools), group("Size", ...dots), group("Steps", undoing, redoing, clearing));
  box.replaceChildren(sheet, bar);
  refresh();

  const text = () => { // empty where nothing is drawn
    const bits = bitmap.bits();
    return bits.some(Boolean) ? toText(bits) : "";
  };
  function recall() { // false where this tab remembers no drawing of this kind, or one that is spoiled
    const kept = memory.recall();
    if (!isDrawing(kept, sizes)) return false;
    try {
      ({ base, strokes, undone, own, size, erasing } = kept);
      repaint();
      return true;
    } catch { return false; } // a base that is no bitmap
  }
  // Python's bitmap: a link, a preset, what a page begins with. Strokes that make it stay; on a pad that opens (`fresh`)
  // so do the visitor's own where the address names no bitmap.
  function load(wanted, named, fresh) {
    stroke = null;
    down = false;
    if (!(recall() && (text() === wanted || (fresh && own && !named)))) {
      [base, strokes, undone, own] = [wanted, [], [], named];
      repaint();
      keep();
    }
    refresh();
  }
  function underlay(pixels) { // the digit below the hole
    background = null;
    if (pixels) {
      background = element("canvas", { width: data.side, height: data.side });
      putPixels(background, fromBase64(pixels), 1);
    }
    show();
  }
  return { bits: text, load, underlay };
}

function create(root, host) {
  const boardBox = root.querySelector(".board"), pictureBox = root.querySelector(".pictures");
  const barBox = root.querySelector(".bars"), status = root.querySelector(".status");
  let data, board = null, canvases = [], bars = [];
  let bits = "", known = ""; // known: the last bits that Python and this page agreed on
  let inscribed = null; // the last bits that the address got here: Python may read them there before it is told
  let asked = ""; // the question whose answer is shown or on its way

  function address() {
    const query = new URLSearchParams(data.query);
    if (board) query.set(data.mode === "ink" ? "bits" : "hole", bits);
    return `${data.base}/api/sketch?${query}`;
  }
  async function inscribe() {
    const made = bits, short = await deflate(fromText(made));
    if (!board || !root.isConnected) return short; // another page's address is none of its business
    inscribed = made;
    writeAddress({ [data.mode]: short });
    return short;
  }
  async function tell(ask) { // ask: Python is to send the pictures too
    const number = host.next(), sent = bits;
    known = bits;
    const short = await inscribe();
    return host.send("drawn", { bits: sent, short, ask }, number);
  }
  function settle(answered) { // the address at once, in case of a reload; then the picture, then the rest
    inscribe();
    answered.then(() => root.isConnected && bits !== known && tell(asker.routeless()));
  }
  async function ask() { // an empty pad has no pictures; it says what to do instead
    if (!board || bits) {
      const wanted = address();
      if (wanted === asked) return asker.done(); // lifting the pen seldom changes what is drawn
      asked = wanted;
      return asker.ask();
    }
    asked = "";
    asker.drop(); // what waits behind a running question would ask about the empty pad
    root.querySelector(".sketch").classList.add("empty");
    status.textContent = data.empty;
  }
  const asker = makeAsker({
    address,
    tell: () => tell(true),
    show: ({ pixels, about }) => {
      const each = data.side * data.side * 3;
      if (pixels.length !== each * canvases.length || (board && !bits)) return;
      canvases.forEach(({ canvas, note }, i) => {
        putPixels(canvas, pixels.subarray(i * each, (i + 1) * each), 3);
        note.textContent = about.notes[i] ?? "";
      });
      showBars(data.scores && data.bits === bits ? data.scores : about.scores); // Python's careful ones stay
      root.querySelector(".sketch").dataset.shown = String(Number(root.querySelector(".sketch").dataset.shown ?? 0) + 1);
      root.querySelector(".sketch").classList.remove("empty");
    },
    report: (text) => {
      if (text) asked = ""; // it may be asked again
      if (!root.querySelector(".sketch").classList.contains("empty") || text) status.textContent = text;
      if (text) root.querySelector(".sketch").classList.add("empty"); // what is shown belongs to another picture
    },
  });

  function showBars(scores) { // log p(x | y): its length falls to nothing 100 nats below the best
    barBox.hidden = !scores.length;
    if (!scores.length) return;
    const best = Math.max(...scores), total = scores.reduce((sum, v) => sum + Math.exp(v - best), 0);
    bars.forEach(({ line, bar, value }, i) => {
      const share = Math.exp(scores[i] - best) / total;
      bar.style.width = `${Math.max(0.5, 100 + scores[i] - best)}%`;
      value.textContent = `${scores[i].toFixed(0)} nats · ${share >= 0.0005 ? (100 * share).toFixed(share > 0.9995 ? 0 : 1) : 0} %`;
      line.classList.toggle("best", scores[i] === best);
    });
  }

  function lay() {
    asked = "";
    canvases = data.captions.map((caption) => ({
      canvas: element("canvas", { width: data.side, height: data.side, role: "img", "aria-label": caption }), note: element("small"), caption,
    }));
    const cells = canvases.map(({ canvas, note, caption }) =>
      element("figure", {}, canvas, element("figcaption", {}, caption, note)));
    pictureBox.replaceChildren(...cells);
    pictureBox.style.setProperty("--columns", data.columns);
    bars = data.labels.map((label) => {
      const bar = element("span", { class: "bar" }), value = element("output");
      return { line: element("div", { class: "line" }, element("b", {}, label), element("span", { class: "track" }, bar), value), bar, value };
    });
    barBox.replaceChildren(...bars.map(({ line }) => line));
    barBox.hidden = true;
  }

  function update(fresh, differs) {
    data = fresh;
    if (differs("captions", "labels", "columns", "side")) lay();
    const remade = differs("mode", "label", "side");
    if (remade) {
      root.querySelector(".sketch").dataset.mode = data.mode;
      boardBox.replaceChildren();
      board = MODES[data.mode] ? makeBoard(boardBox, data, (finished) => {
        bits = board.bits();
        const answered = ask();
        if (finished) settle(answered);
      }) : null;
    }
    if (board && (remade || differs("background"))) board.underlay(data.background);
    if (data.bits === inscribed) known = inscribed;
    const elsewhere = remade || data.bits !== known; // Python chose another bitmap
    if (board && elsewhere) {
      known = data.bits;
      inscribed = null;
      board.load(known, data.named, remade);
      bits = board.bits();
    }
    if (bits !== known && elsewhere) settle(ask());
    else if (elsewhere || differs("query", "captions", "empty", "side")) ask();
    else if (data.scores && differs("scores")) showBars(data.scores);
  }

  return { update, hear: asker.hear };
}

export default mount("sketch", create);
