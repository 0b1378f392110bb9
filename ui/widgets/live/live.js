// One live picture, or one per label, steered by a pad (two latents) or by sliders (any other number).
// Every move asks /api/decode for new pixels.

import { mount, writeAddress } from "../bridge.js";
import { packPoint, snap } from "../codecs.js";
import { SLOP, element, makeAsker, putPixels, scrollPast } from "../shared.js";

function create(root, host) {
  const controlBox = root.querySelector(".control");
  const pictureBox = root.querySelector(".pictures");
  const status = root.querySelector(".status");
  let data, control, canvases = [];
  let z = [], known = ""; // known: the last z that Python and this page agreed on

  function address() {
    const label = data.labels.length ? `&label=${data.labels}` : "";
    return `${data.base}/api/decode?model=${encodeURIComponent(data.model)}&z=${z}${label}`;
  }

  function tell(pixels) { // the address first
    writeAddress({ [data.parameter]: packPoint(z) });
    known = String(z);
    return host.send("move", { z, pixels });
  }

  const asker = makeAsker({
    address,
    tell: () => tell(true),
    show: ({ pixels }) => {
      if (pixels.length === canvases.length * data.shape[0] * data.shape[1] * data.shape[2]) paint(pixels);
    },
    report: (text) => { status.textContent = text; },
  });

  function paint(pixels) {
    const [channels, height, width] = data.shape;
    canvases.forEach((canvas, i) => putPixels(canvas, pixels.subarray(i * height * width * channels), channels));
    root.querySelector(".live").dataset.shown = String(z);
  }

  function move(changed) { // changed: {dimension: value}
    z = z.map((value, i) => (i in changed ? snap(changed[i]) : value));
    control.show(z);
    asker.ask();
  }

  function settle() { // the pointer was lifted or a key released: tell Python
    describe();
    if (String(z) === known) return;
    tell(asker.routeless());
  }

  function describe() {
    const place = z.length > 2 ? `${z.length} latent values` : z.map((v) => v.toFixed(2)).join(", ");
    canvases.forEach((canvas, i) => canvas.setAttribute("aria-label", `${data.captions[i]}, decoded at ${place}`));
  }

  function layPictures() {
    const [, height, width] = data.shape;
    canvases = data.captions.map((caption) => element("canvas", { width, height, role: "img", "aria-label": caption }));
    const many = canvases.length > 1;
    const caption = (i) => (many ? [element("figcaption", {}, data.names[i])] : []);
    const cells = canvases.map((canvas, i) => element("figure", {}, canvas, ...caption(i)));
    pictureBox.replaceChildren(...cells);
    root.querySelector(".live").classList.toggle("many", many);
    root.querySelector(".live").classList.toggle("crowd", canvases.length > 20); // more than a screen should keep in view
  }

  function update(fresh, differs) {
    data = fresh;
    const elsewhere = String(data.z) !== known; // Python chose another point
    if (elsewhere) known = String(z = data.z);
    if (differs("captions", "shape")) layPictures();
    if (differs("model", "order", "background", "landmarks")) {
      control = (data.z.length === 2 ? makePad : makeSliders)(controlBox, data, () => z, move, settle);
    }
    if (elsewhere || differs("model", "labels", "order", "captions")) {
      control.show(z);
      describe();
      asker.ask();
    }
  }

  return { update, hear: asker.hear };
}

const FINGER = "Drag the point, or sideways, or after a short rest. Up or down scrolls the page.";
const REST = 200; // ms after which a finger does not want to scroll

function makePad(box, data, current, move, settle) {
  const marker = element("div", { class: "marker" });
  const pad = element("div", {
    class: "pad", tabindex: 0, role: "application", "aria-label":
      "Latent plane. Drag, or use the arrow keys; hold Shift for larger steps; Home goes to the centre.",
  });
  if (data.background) pad.append(element("img", { src: data.background, alt: "", draggable: "false" }));
  const percent = (v) => `${50 * (v / data.span + 1)}%`;
  for (const [x, y, name, colour] of data.landmarks) {
    const style = `left:${percent(x)};top:${percent(-y)};border-color:${colour}`;
    pad.append(element("span", { class: "name", style, "aria-hidden": "true" }, name));
  }
  pad.append(marker);
  const inside = (v) => Math.max(-data.span, Math.min(data.span, v));
  const follow = (event) => {
    const r = pad.getBoundingClientRect();
    move({
      0: inside((2 * (event.clientX - r.left)) / r.width * data.span - data.span),
      1: inside(data.span - (2 * (event.clientY - r.top)) / r.height * data.span),
    });
  };
  // A mouse steers at once. A finger may as well want to scroll the page: it steers if it begins on the marker, moves
  // sideways first or rests first; a tap goes to its place, and up or down scrolls. The browser follows the same rule by
  // `touch-action: pan-y`, but for the rest, after which it must not scroll any more.
  let held = null; // {id, at: where it began, steers, resting: the timer}
  const steer = (event) => { held.steers = true; follow(event); };
  pad.onpointerdown = (event) => {
    if (event.button || held !== null) return;
    held = { id: event.pointerId, at: [event.clientX, event.clientY], steers: false };
    pad.setPointerCapture(held.id);
    if (event.pointerType === "mouse" || event.target === marker) steer(event);
    else held.resting = setTimeout(steer, REST, event);
  };
  pad.onpointermove = (event) => {
    if (event.pointerId !== held?.id) return;
    if (held.steers) return follow(event);
    const [across, along] = [event.clientX - held.at[0], event.clientY - held.at[1]].map(Math.abs);
    if (Math.max(across, along) < SLOP) return;
    clearTimeout(held.resting);
    if (across > along) steer(event);
    else held = null; // it scrolls
  };
  pad.onpointerup = pad.onpointercancel = (event) => {
    if (event.pointerId !== held?.id) return;
    clearTimeout(held.resting);
    if (event.type === "pointerup" && !held.steers) steer(event);
    const steered = held.steers;
    held = null;
    if (steered) settle();
  };
  pad.addEventListener("touchmove", (event) => { if (held?.steers && event.cancelable) event.preventDefault(); }, { passive: false });
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
  const place = element("span");
  const note = data.points
    ? `Dots: ${data.points}`
    : `Class map missing. Make it with: python evaluate.py ${data.model}`;
  box.replaceChildren(pad, element("p", { class: "note" }, place, element("span", {}, note)), element("p", { class: "note finger" }, FINGER));
  const show = ([x, y]) => {
    marker.style.left = percent(inside(x));
    marker.style.top = percent(-inside(y));
    place.textContent = `z = (${x.toFixed(2)}, ${y.toFixed(2)})`;
  };
  return { show };
}

function makeSliders(box, data, current, move, settle) {
  const rows = data.order.map((dimension) => {
    const input = element("input", {
      type: "range", min: -data.span, max: data.span, step: 1 / 32, "aria-label": `Latent dimension ${dimension + 1}`,
    });
    const value = element("output", { "aria-hidden": "true" });
    scrollPast(input);
    input.oninput = () => move({ [dimension]: Number(input.value) });
    input.onchange = settle;
    const name = element("span", { class: "dimension" }, `z${dimension + 1}`);
    if (data.kl) name.append(element("small", {}, `${data.kl[dimension].toFixed(2)} nats`));
    return { dimension, input, value, line: element("label", { class: "line" }, name, input, value) };
  });
  const open = rows.slice(0, data.open).map((row) => row.line), folded = rows.slice(data.open).map((row) => row.line);
  const rest = element("details", {}, element("summary", {}, `${folded.length} more dimensions`), ...folded);
  const note = data.kl
    ? "Ordered by the information each carries (mean KL)"
    : `Order unknown. Measure it with: python evaluate.py ${data.model}`;
  box.replaceChildren(...open, ...(folded.length ? [rest] : []), element("p", { class: "note" }, note));
  const show = (z) => rows.forEach(({ dimension, input, value }) => {
    if (Number(input.value) !== z[dimension]) input.value = z[dimension];
    value.textContent = z[dimension].toFixed(2);
    input.setAttribute("aria-valuetext", z[dimension].toFixed(2));
  });
  return { show };
}

export default mount("live", create);
