// One model in one file: a pad or sliders, and pictures that follow every move. runtime.js stands before this text.

const TOO_OLD = "This page does not work in this browser; a newer one may help.";
const LATTICE = 256, LIMIT = 8 - 1 / LATTICE; // points keep to a lattice that half precision holds, as in the addresses of the app
const SPAN = 4, OPEN = 8; // of pad and sliders; sliders shown before the rest is folded
const data = JSON.parse(document.getElementById("data").textContent);
const [CHANNELS, HEIGHT, WIDTH] = data.program.image;
const snap = (v) => Math.max(-LIMIT, Math.min(LIMIT, Math.round(v * LATTICE) / LATTICE));
const embedded = (id) => fromBase64(document.getElementById(id).textContent.trim());

function fromBase64(text) {
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

// What is deflated in the page; there all bytes of even place come before those of odd place, as half precision packs best.
async function unpacked(id) {
  const newer = globalThis.DecompressionStream ?? refuse(TOO_OLD);
  let planes;
  try {
    planes = new Uint8Array(await new Response(new Blob([embedded(id)]).stream().pipeThrough(new newer("deflate"))).arrayBuffer());
  } catch { refuse("The weights in this file are damaged; get the file anew."); }
  const bytes = new Uint8Array(planes.length), odd = (planes.length + 1) >> 1;
  for (let i = 0; i < odd; i++) bytes[2 * i] = planes[i];
  for (let i = odd; i < planes.length; i++) bytes[2 * (i - odd) + 1] = planes[i];
  return bytes.buffer;
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
function button(text, action, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, text);
  made.onclick = action;
  return made;
}
const SMOOTH = CHANNELS === 3 ? "image-rendering:auto;" : ""; // photographs; of a digit one should see the pixels
const picture = (caption) => element("canvas", { width: WIDTH, height: HEIGHT, role: "img", "aria-label": caption, style: `${SMOOTH}aspect-ratio:${WIDTH}/${HEIGHT}` });

function paint(canvas, pixels, row = 0) { // pixel means, channel by channel
  const area = WIDTH * HEIGHT, image = new ImageData(WIDTH, HEIGHT), start = row * CHANNELS * area;
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.round(255 * pixels[start + (CHANNELS === 3 ? c : 0) * area + i]);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const oneHot = (labels) => Float32Array.from(labels.flatMap((label) => Array.from({ length: data.program.classes }, (_, i) => Number(i === label))));

function normal() { // standard normal, by Box and Muller (1958)
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
const randomPoint = () => Array.from({ length: data.program.latent }, () => snap(normal()));

// The address: what follows # holds the point, the label and whether all labels are shown. Nonsense gives the start.
function packed(z) { // base64url of little-endian half precision, as in the app's addresses
  const half = (v) => {
    if (!v) return 0;
    const exponent = Math.floor(Math.log2(Math.abs(v)));
    return (v < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | ((Math.abs(v) / 2 ** exponent - 1) * 1024);
  };
  return btoa(String.fromCharCode(...z.map(half).flatMap((h) => [h & 255, h >> 8]))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
function pointOf(text) {
  const dims = data.program.latent;
  let values = text.split(",").map((part) => (part.trim() ? Number(part) : NaN));
  if (values.length !== dims || !values.every(Number.isFinite)) {
    try {
      const bytes = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
      values = bytes.length === 2 * dims ? [...halves(new Uint16Array(bytes.buffer))] : [];
    } catch { values = []; }
  }
  return values.length === dims && values.every((v) => Number.isFinite(v) && Math.abs(v) < 16) ? values.map(snap) : null;
}
function fromAddress() {
  const asked = new URLSearchParams(location.hash.slice(1)), label = data.labels.findIndex((l) => String(l.label) === asked.get("label"));
  return {
    z: pointOf(asked.get("z") ?? "") ?? [...data.start.z],
    chosen: label >= 0 ? label : data.start.label,
    all: data.labels.length > 1 && (asked.has("z") ? asked.get("all") === "1" : data.start.all),
  };
}

function makeExplorer(model) {
  let { z, chosen, all } = fromAddress(), canvases = [], waiting = 0, settledAt = location.hash;
  const control = element("div", { class: "control" }), pictures = element("div", { class: "pictures" });
  const stage = element("div", { class: "stage" }, control, pictures);
  const shownLabels = () => (all ? data.labels : data.labels.slice(chosen, chosen + 1));
  const decode = (point, rows) => model.run("decoder", { u: point, ...(rows ? { c: rows } : {}) }).pixels;

  function draw() {
    waiting = 0;
    try {
      const pixels = decode(z, data.labels.length ? oneHot(shownLabels().map((l) => l.label)) : null);
      canvases.forEach((canvas, i) => paint(canvas, pixels, i));
      stage.dataset.shown = String(z);
    } catch (error) { show(error); }
  }
  const redraw = () => { waiting ||= requestAnimationFrame(draw); };
  function move(changed) {
    z = z.map((value, i) => (i in changed ? snap(changed[i]) : value));
    steer.show(z);
    redraw();
  }
  function settle() {
    canvases.forEach((canvas, i) => canvas.setAttribute("aria-label", `${shownLabels()[i]?.called ?? "Picture"}, decoded at ${z.length > 2 ? `${z.length} latent values` : z.map((v) => v.toFixed(2)).join(", ")}`));
    const asked = new URLSearchParams({ z: packed(z) });
    if (data.labels.length) asked.set("label", data.labels[chosen].label);
    if (all) asked.set("all", "1");
    const address = `#${asked}`;
    if (address === settledAt) return;
    settledAt = address;
    try { history.replaceState(null, "", address); } catch { /* an embedded page without an address of its own */ }
  }
  function lay() {
    const labels = data.labels.length ? shownLabels() : [{ called: "Picture", name: "" }], many = labels.length > 1;
    canvases = labels.map((label) => picture(label.called));
    pictures.replaceChildren(...canvases.map((canvas, i) => element("figure", {}, canvas, ...(many ? [element("figcaption", {}, labels[i].name)] : []))));
    stage.classList.toggle("many", many);
    pictures.style.setProperty("--columns", Math.min(5, labels.length));
    stage.classList.toggle("crowd", labels.length > 20);
    picker.refresh();
    redraw();
    settle();
  }
  function choose(label) { all = label === null; chosen = label ?? chosen; lay(); }
  const go = (point) => { move({ ...point }); settle(); };
  const picker = makePicker(() => (all ? null : chosen), choose);
  const steer = (z.length === 2 ? makePad : makeSliders)(control, () => z, move, settle);
  steer.show(z);
  lay();
  addEventListener("hashchange", () => { ({ z, chosen, all } = fromAddress()); settledAt = location.hash; steer.show(z); lay(); });
  const tools = element("div", { class: "bar" }, ...picker.elements, button("Random", () => go(randomPoint())), button("Centre", () => go(z.map(() => 0))));
  return { root: [tools, stage], decode, go, point: () => [...z], label: () => data.labels[chosen] };
}

function makePicker(current, choose) {
  if (!data.labels.length) return { elements: [], refresh() {} };
  const several = data.labels.length > 1 ? [[null, "All"]] : [], choices = [...data.labels.map((l, i) => [i, l.name]), ...several];
  if (choices.length > 25) {
    const list = element("select", { "aria-label": data.heading }, ...choices.map(([i, name]) => element("option", { value: String(i) }, name)));
    list.onchange = () => choose(list.value === "null" ? null : Number(list.value));
    return { elements: [list], refresh() { list.value = String(current()); } };
  }
  const buttons = choices.map(([i, name]) => [i, button(name, () => choose(i), i === null ? { "aria-label": "One style across all labels" } : {})]);
  const group = element("div", { class: "bar", role: "group", "aria-label": data.heading, style: "margin:0" }, ...buttons.map(([, b]) => b));
  return { elements: [group], refresh() { buttons.forEach(([i, b]) => b.setAttribute("aria-pressed", String(i === current()))); } };
}

function makePad(box, current, move, settle) {
  const marker = element("div", { class: "marker" }), place = element("p", { class: "note" });
  const pad = element("div", {
    class: "pad", tabindex: 0, role: "application",
    "aria-label": "Latent plane. Drag, or use the arrow keys; hold Shift for larger steps; Home goes to the centre.",
  }, drawMap(), ...data.map.tags.map(([x, y, name, colour]) => element("span", { class: "tag", "aria-hidden": "true", style: `left:${50 * (x / SPAN + 1)}%;top:${50 * (1 - y / SPAN)}%;border-color:${colour}` }, name)), marker);
  let held = null;
  const inside = (v) => Math.max(-SPAN, Math.min(SPAN, v));
  const follow = (event) => {
    const r = pad.getBoundingClientRect();
    move({ 0: inside(((2 * (event.clientX - r.left)) / r.width - 1) * SPAN), 1: inside((1 - (2 * (event.clientY - r.top)) / r.height) * SPAN) });
  };
  pad.onpointerdown = (event) => {
    if (event.button || held !== null) return;
    held = event.pointerId;
    pad.setPointerCapture(held);
    follow(event);
  };
  pad.onpointermove = (event) => { if (event.pointerId === held) follow(event); };
  pad.onpointerup = pad.onpointercancel = (event) => { if (event.pointerId === held) { held = null; settle(); } };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  pad.onkeydown = (event) => {
    const way = arrows[event.key], size = event.shiftKey ? 0.5 : 0.125;
    if (event.ctrlKey || event.altKey || event.metaKey || !(way || event.key === "Home")) return;
    event.preventDefault();
    const [x, y] = current();
    move(way ? { 0: inside(x + way[0] * size), 1: inside(y + way[1] * size) } : { 0: 0, 1: 0 });
    if (!event.repeat) settle();
  };
  pad.onkeyup = (event) => { if (arrows[event.key]) settle(); };
  box.replaceChildren(pad, place);
  return {
    show([x, y]) {
      marker.style.left = `${50 * (inside(x) / SPAN + 1)}%`;
      marker.style.top = `${50 * (1 - inside(y) / SPAN)}%`;
      place.textContent = `z = (${x.toFixed(2)}, ${y.toFixed(2)})`;
    },
  };
}

function drawMap() { // a dot where each of some test pictures was encoded, in the colour of its class
  const canvas = element("canvas", { width: 512, height: 512, "aria-hidden": "true" }), context = canvas.getContext("2d");
  const points = fromBase64(data.map.points);
  context.globalAlpha = 0.6;
  for (let i = 0; i + 2 < points.length; i += 3) {
    context.fillStyle = data.map.colours[points[i + 2] % data.map.colours.length];
    context.fillRect(points[i] * 2, points[i + 1] * 2, 3, 3);
  }
  return canvas;
}

function makeSliders(box, current, move, settle) {
  const rows = data.order.map((dimension) => {
    const input = element("input", { type: "range", min: -SPAN, max: SPAN, step: 1 / 32, "aria-label": `Latent dimension ${dimension + 1}` });
    const value = element("output", { "aria-hidden": "true" }), name = element("span", {}, `z${dimension + 1}`);
    if (data.kl) name.append(element("small", {}, `${data.kl[dimension].toFixed(2)} nats`));
    input.oninput = () => move({ [dimension]: Number(input.value) });
    input.onchange = settle;
    return { dimension, input, value, line: element("label", { class: "slider" }, name, input, value) };
  });
  const lines = rows.map((row) => row.line), folded = lines.slice(OPEN);
  const rest = folded.length ? [element("details", {}, element("summary", {}, `${folded.length} more dimensions`), ...folded)] : [];
  const note = data.kl ? [element("p", { class: "note" }, "Ordered by the information each carries (mean KL).")] : [];
  box.replaceChildren(...lines.slice(0, OPEN), ...rest, ...note);
  return {
    show(z) {
      rows.forEach(({ dimension, input, value }) => {
        if (Number(input.value) !== z[dimension]) input.value = z[dimension];
        if (value.textContent !== z[dimension].toFixed(2)) value.textContent = z[dimension].toFixed(2); // else it is laid out again
      });
    },
  };
}

function show(error) { // in the place of the picture
  tell(error instanceof Refusal ? error.message : "This file is damaged, or this browser is too old for it; get the file anew, or open it in a newer browser.");
  document.getElementById("app").hidden = true;
}

function tell(sentence) {
  const box = document.querySelector(".trouble");
  box.classList.remove("late");
  box.textContent = sentence;
  box.hidden = !sentence;
}

async function start() {
  giveKeysBack();
  try {
    const model = await load(data.program, await unpacked("weights"), embedded("kernel").buffer), app = document.getElementById("app");
    app.append(...(isPreview() ? [makePreview(model)] : parts(model)));
    app.hidden = false;
    tell("");
  } catch (error) { show(error); }
}
const isPreview = () => new URLSearchParams(location.hash.slice(1)).get("view") === "picture";

function parts(model) {
  const { decoder } = data.program.parts, explorer = decoder && !decoder.inputs.visible ? makeExplorer(model) : null;
  return [...(explorer ? [...explorer.root, ...makePlayer(explorer)] : []), ...(data.sheet ? makeDrawing(model, explorer) : [])];
}
