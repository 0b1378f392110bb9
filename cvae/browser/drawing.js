// A sheet to draw on, what the model sees of it, and what it makes of that: a reconstruction, a clean picture, completions.

const SHEET = 280, PEN = 22; // the sheet's own pixels

// Strokes of the pointer, or of the arrow keys with Space; `stroke(from, to)` marks a line in parts of the sheet's side.
function makeStrokes(sheet, stroke, done) {
  let held = null, last = null, cursor = [0.5, 0.5], down = false;
  const place = (event) => {
    const r = sheet.getBoundingClientRect();
    return [(event.clientX - r.left) / r.width, (event.clientY - r.top) / r.height];
  };
  sheet.onpointerdown = (event) => {
    if (event.button || held !== null) return;
    held = event.pointerId;
    sheet.setPointerCapture(held);
    last = place(event);
    stroke(last, last);
  };
  sheet.onpointermove = (event) => {
    if (event.pointerId !== held) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const each of all.length ? all : [event]) { const next = place(each); stroke(last, next); last = next; }
  };
  sheet.onpointerup = sheet.onpointercancel = (event) => { if (event.pointerId === held) { held = null; done(); } };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  sheet.onkeydown = (event) => {
    const way = arrows[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey || !(way || event.key === " ")) return;
    event.preventDefault();
    if (!way) { down = !down; if (down) stroke(cursor, cursor); else done(); return; }
    const next = cursor.map((v, i) => Math.max(0, Math.min(1, v + way[i] / 28)));
    if (down) stroke(cursor, next);
    cursor = next;
  };
}

function makeSheet(changed) { // with the example on it, whose place the first stroke takes
  const root = element("canvas", {
    width: SHEET, height: SHEET, class: "sheet", tabindex: 0, role: "application",
    "aria-label": "Sheet. Draw with the pointer; or move with the arrow keys, Space puts the pen down and lifts it.",
  });
  const paper = root.getContext("2d", { willReadFrequently: true });
  let fresh = false;
  const wipe = () => { paper.fillStyle = "#000"; paper.fillRect(0, 0, SHEET, SHEET); };
  const line = ([x0, y0], [x1, y1]) => {
    if (fresh) { fresh = false; wipe(); }
    Object.assign(paper, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    paper.beginPath();
    paper.moveTo(x0 * SHEET, y0 * SHEET);
    paper.lineTo(x1 * SHEET + 0.01, y1 * SHEET);
    paper.stroke();
    changed();
  };
  makeStrokes(root, line, changed);
  wipe();
  data.example.slice(1).forEach((end, i) => line(data.example[i].map((v) => v / SHEET), end.map((v) => v / SHEET)));
  fresh = true;
  return {
    root,
    clear() { fresh = false; wipe(); changed(); },
    digit() {
      const levels = paper.getImageData(0, 0, SHEET, SHEET).data, ink = new Float32Array(SHEET * SHEET);
      for (let i = 0; i < ink.length; i++) ink[i] = levels[4 * i] / 255;
      return prepared(ink, SHEET, SHEET) ?? new Float32Array(WIDTH * HEIGHT);
    },
  };
}
const exampleDigit = () => makeSheet(() => {}).digit();

function makeDrawing(model, explorer) {
  let waiting = 0, make = null;
  const sheet = makeSheet(redraw);
  function redraw() { waiting ||= requestAnimationFrame(draw); }
  function draw() {
    waiting = 0;
    try { make.show(sheet.digit()); } catch (error) { show(error); }
    sheet.root.dataset.shown = "1";
  }
  make = { reconstruct: makeReconstruction, denoise: makeCleaning, inpaint: makeCompletions }[data.sheet](model, explorer, redraw);
  const figure = (canvas, caption) => element("figure", {}, canvas, element("figcaption", {}, caption));
  return [
    element("h2", {}, make.heading),
    element("div", { class: "bar" }, button("Clear", sheet.clear), ...make.tools),
    element("div", { class: "drawing" }, figure(sheet.root, "Draw here"), ...make.pictures.map(([canvas, caption]) => figure(canvas, caption))),
    ...make.below,
  ];
}

function makeReconstruction(model, explorer) {
  const seen = picture("What the model sees"), again = picture("Its reconstruction");
  let u = null;
  const told = () => (data.labels.length ? { c: oneHot([explorer.label().label]) } : {});
  const show = (x) => {
    paint(seen, x);
    u = [...model.run("encoder", { x, ...(data.program.parts.encoder.inputs.c ? told() : {}) }).u];
    paint(again, model.run("decoder", { u, ...told() }).pixels);
  };
  const use = button("Use this style", () => explorer.go(u));
  return { heading: "Draw", tools: [use], pictures: [[seen, "What the model sees"], [again, "Its reconstruction"]], below: [], show };
}

function makeCleaning(model, _, redraw) {
  const spoiled = picture("Spoiled"), clean = picture("Cleaned");
  const strength = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: 0.4, "aria-label": "Noise" });
  let noise = [];
  const fresh = () => { noise = Array.from({ length: WIDTH * HEIGHT }, normal); redraw(); };
  noise = Array.from({ length: WIDTH * HEIGHT }, normal);
  strength.oninput = redraw;
  const show = (x) => {
    const dirty = x.map((v, i) => Math.max(0, Math.min(1, v + strength.value * noise[i])));
    paint(spoiled, dirty);
    paint(clean, model.run("denoising", { x: dirty }).clean);
  };
  const slider = element("label", { class: "slider", style: "width:17rem" }, element("span", {}, "Noise"), strength, element("span", {}));
  return { heading: "Draw, spoil and clean", tools: [button("Spoil anew", fresh), slider], pictures: [[spoiled, "Spoiled"], [clean, "Cleaned"]], below: [], show };
}

// What a completing model sees of a picture at first: its upper half, or all but the middle where it knows that hole alone.
const MIDDLE = 10; // pixels of a side
const knowsOneHole = () => data.hole === "centre";
function firstVisible(i) {
  if (!knowsOneHole()) return Number(i < (WIDTH * HEIGHT) / 2);
  const inside = (place, side) => Math.abs(place + 0.5 - side / 2) < MIDDLE / 2;
  return Number(!(inside(i % WIDTH, WIDTH) && inside(Math.floor(i / WIDTH), HEIGHT)));
}

function makeHole(visible, redraw) { // a picture that one paints a hole into
  const RADIUS = 2.2;
  const hole = element("canvas", {
    width: WIDTH, height: HEIGHT, class: "sheet", tabindex: 0, role: "application",
    "aria-label": "The drawing as the model sees it. Paint over what it shall not see; or move with the arrow keys, Space puts the brush down and lifts it.",
  });
  makeStrokes(hole, ([x0, y0], [x1, y1]) => {
    const steps = Math.ceil(Math.hypot(x1 - x0, y1 - y0) * WIDTH) + 1;
    for (let k = 0; k <= steps; k++) {
      const cx = (x0 + ((x1 - x0) * k) / steps) * WIDTH, cy = (y0 + ((y1 - y0) * k) / steps) * HEIGHT;
      visible.forEach((_, i) => { if (Math.hypot((i % WIDTH) + 0.5 - cx, Math.floor(i / WIDTH) + 0.5 - cy) < RADIUS) visible[i] = 0; });
    }
    redraw();
  }, redraw);
  return hole;
}

function makeCompletions(model, _, redraw) {
  const COUNT = 8, visible = new Float32Array(WIDTH * HEIGHT).map((_, i) => firstVisible(i)), paints = !knowsOneHole();
  const says = paints ? "Paint over what the model shall not see" : "What the model does not see: always the middle";
  const hole = paints ? makeHole(visible, redraw) : picture(says);
  const completions = Array.from({ length: COUNT }, (_, i) => picture(`Completion ${i + 1}`));
  let u = [];
  const draw = () => { u = Array.from({ length: COUNT * data.program.latent }, normal); };
  draw();
  const show = (x) => {
    paint(hole, x);
    const context = hole.getContext("2d");
    context.fillStyle = "#e8590c";
    visible.forEach((v, i) => { if (!v) context.fillRect(i % WIDTH, Math.floor(i / WIDTH), 1, 1); });
    const { pixels } = model.run("decoder", { u, x, visible });
    completions.forEach((canvas, i) => paint(canvas, pixels, i));
  };
  const hide = (of) => () => { visible.forEach((_, i) => { visible[i] = of(i); }); redraw(); };
  const holes = [button("Hide nothing", hide(() => 1)), button("Hide the lower half", hide(firstVisible))];
  const tools = [...(paints ? holes : []), button("Eight others", () => { draw(); redraw(); })];
  const below = [element("h2", {}, "Eight completions"), element("div", { class: "completions" }, ...completions)];
  return { heading: "Draw, hide a part and see it completed", tools, pictures: [[hole, says]], below, show };
}
