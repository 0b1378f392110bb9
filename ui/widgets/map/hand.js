// Pointers, wheel and keys. One pointer moves the map, draws the lasso or picks; two pinch; the wheel zooms. Arrow keys go
// from point to point, Enter selects.

import { around, nearestTo, neighbour, within } from "./points.js";
import { MOVE } from "./state.js";
import { STEP } from "./view.js";

const REACH = { mouse: 14, pen: 18, touch: 24 }; // pixels from a point that still count as on it
const MOVED = 5; // pixels after which a press is no click
const AROUND = 50; // digits that the key L takes into a group

export function followPointers(map, sheet) {
  const held = new Map();
  let pressed = null; // {at, moved}
  const place = (event) => { const r = sheet.getBoundingClientRect(); return [event.clientX - r.left, event.clientY - r.top]; };

  function pinch(event, at, before) {
    const other = [...held].find(([id]) => id !== event.pointerId)[1];
    const spread = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]);
    map.zoomAt((at[0] + other[0]) / 2, (at[1] + other[1]) / 2, spread(at) / Math.max(1, spread(before)));
  }

  sheet.onpointerdown = (event) => {
    if (event.button || !map.points) return;
    sheet.setPointerCapture(event.pointerId);
    held.set(event.pointerId, place(event));
    if (held.size === 2) { map.lasso = pressed = null; return; }
    pressed = { at: place(event), moved: false };
    const group = event.shiftKey ? "a" : map.tool;
    if (group === MOVE) return;
    map.hover(-1); // its picture would hide what the lasso goes round
    map.lasso = { group, path: [map.toMap(...pressed.at)] };
  };
  sheet.onpointermove = (event) => {
    if (!map.points) return;
    const at = place(event), before = held.get(event.pointerId);
    if (!before) return map.hover(nearestTo(map, ...at, REACH.mouse));
    held.set(event.pointerId, at);
    if (held.size === 2) return pinch(event, at, before);
    if (pressed && Math.hypot(at[0] - pressed.at[0], at[1] - pressed.at[1]) > MOVED) pressed.moved = true;
    if (map.lasso) {
      map.lasso.path.push(map.toMap(...at));
      map.mark();
    } else if (pressed?.moved) map.pan(at[0] - before[0], at[1] - before[1]);
  };
  sheet.onpointerup = sheet.onpointercancel = (event) => {
    if (!held.delete(event.pointerId)) return;
    const { lasso } = map, was = pressed;
    map.lasso = pressed = null;
    if (event.type === "pointercancel" || !was) return map.mark();
    if (lasso && was.moved) return map.take(lasso.group, within(map, lasso.path));
    if (was.moved) return;
    map.mark(); // without the lasso that never was one
    const i = nearestTo(map, ...place(event), REACH[event.pointerType] ?? REACH.mouse);
    map.hover(i);
    if (i >= 0 || map.point >= 0) map.pick(i); // beside the points: choose none
  };
  sheet.onpointerleave = (event) => { if (!held.size && event.pointerType !== "touch") map.hover(-1); }; // a finger that tapped has left
  sheet.addEventListener("wheel", (event) => {
    if (!map.points || (map.view.zoom === 1 && event.deltaY > 0)) return; // it scrolls the page
    event.preventDefault();
    map.hover(-1);
    map.zoomAt(...place(event), 2 ** (-event.deltaY * (event.deltaMode ? 0.05 : 0.002)));
  }, { passive: false });
}

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function followKeys(map, sheet) {
  const centre = () => (map.hovered >= 0 ? map.placeOf(map.hovered) : [map.side / 2, map.side / 2]);
  const onHovered = (act) => () => { if (map.hovered >= 0) act(map.hovered); };
  const nearer = () => map.zoomAt(...centre(), STEP), select = onHovered(map.pick);
  const escape = () => {
    if (map.anyGroup()) map.clear();
    else if (map.point >= 0) map.pick(-1);
  };
  const keys = {
    "+": nearer, "=": nearer, "-": () => map.zoomAt(...centre(), 1 / STEP), Home: map.whole, Enter: select, " ": select, Escape: escape,
    l: onHovered((i) => map.take(map.tool === "b" ? "b" : "a", around(map, i, AROUND))),
  };
  sheet.onkeydown = (event) => {
    if (!map.points || event.ctrlKey || event.altKey || event.metaKey) return;
    const way = WAYS[event.key], act = keys[event.key];
    if (!way && !act) return;
    event.preventDefault();
    if (act) return act();
    const next = neighbour(map, way);
    if (next >= 0) map.reveal(next);
  };
  sheet.onblur = () => map.hover(-1);
}

export function followLinks(map, box) { // the neighbours beside the map are links to their points
  document.addEventListener("click", function follow(event) {
    if (!box.isConnected) return document.removeEventListener("click", follow);
    const link = event.target.closest?.("a[href^='#digit-']"), i = Number(link?.hash.slice(7));
    if (!link || !(map.points && i < map.points.n)) return;
    event.preventDefault();
    map.goTo(i);
  });
}
