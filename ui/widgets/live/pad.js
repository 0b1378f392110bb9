// The plane of two latents: a marker on the class map, moved by a mouse, a finger or the arrow keys.

import { SLOP, clamp, element } from "../shared.js";

const FINGER = "Drag the point, or sideways, or after a short rest. Up or down scrolls the page.";
const REST = 200; // ms after which a finger does not want to scroll
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export function makePad(box, data, current, move, settle) {
  const { pad, marker, percent } = layPad(data);
  const inside = (v) => clamp(v, -data.span, data.span);
  steerByPointer(pad, marker, (event) => {
    const r = pad.getBoundingClientRect();
    move({
      0: inside((2 * (event.clientX - r.left)) / r.width * data.span - data.span),
      1: inside(data.span - (2 * (event.clientY - r.top)) / r.height * data.span),
    });
  }, settle);
  steerByKeys(pad, (way, size) => {
    const [x, y] = current();
    move(way ? { 0: inside(x + way[0] * size), 1: inside(y + way[1] * size) } : { 0: 0, 1: 0 });
  }, settle);
  const place = element("span");
  const missing = `Class map missing. Make it with: python evaluate.py ${data.model}`;
  const note = data.points ? `Dots: ${data.points}` : missing;
  const below = element("p", { class: "note" }, place, element("span", {}, note));
  box.replaceChildren(pad, below, element("p", { class: "note finger" }, FINGER));
  const show = ([x, y]) => {
    marker.style.left = percent(inside(x));
    marker.style.top = percent(-inside(y));
    place.textContent = `z = (${x.toFixed(2)}, ${y.toFixed(2)})`;
  };
  return { show };
}

function layPad(data) {
  const marker = element("div", { class: "marker" });
  const pad = element("div", {
    class: "pad", tabindex: 0, "data-save": "Latent plane", role: "application", "aria-label":
      "Latent plane. Drag, or use the arrow keys; hold Shift for larger steps; Home goes to the centre.",
  });
  if (data.background) pad.append(element("img", { src: data.background, alt: "", draggable: "false" }));
  const percent = (v) => `${50 * (v / data.span + 1)}%`;
  for (const [x, y, name, colour] of data.landmarks) {
    const style = `left:${percent(x)};top:${percent(-y)};border-color:${colour}`;
    pad.append(element("span", { class: "name", style, "aria-hidden": "true" }, name));
  }
  pad.append(marker);
  return { pad, marker, percent };
}

// A mouse steers at once. A finger may as well want to scroll the page: it steers if it begins on the marker, moves
// sideways first or rests first; a tap goes to its place, and up or down scrolls. The browser follows the same rule by
// `touch-action: pan-y`, but for the rest, after which it must not scroll any more.
function steerByPointer(pad, marker, follow, settle) {
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
  const stay = (event) => { if (held?.steers && event.cancelable) event.preventDefault(); };
  pad.addEventListener("touchmove", stay, { passive: false });
}

function steerByKeys(pad, step, settle) { // step(way, size), without a way to the centre
  pad.onkeydown = (event) => {
    const way = ARROWS[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey || !(way || event.key === "Home")) return;
    event.preventDefault();
    step(way, event.shiftKey ? 0.5 : 0.125);
    if (!event.repeat) settle();
  };
  pad.onkeyup = (event) => { if (ARROWS[event.key]) settle(); };
}
