// The kept points as small pictures: pressed they are chosen, dragged or by keys they change places.

import { SLOP, button, element } from "../shared.js";
import { paintSheet, sheetSize } from "./frames.js";

// kept() are the points; each gets its picture under `made`. move(from, to), choose(point) and remove(point) do what
// their names say, and chosen() returns the one that is chosen.
export function makeList(box, { kept, get, move, choose, remove, chosen }) {
  const called = (point, i) => {
    const what = point.label === null ? "" : `, ${get().called[point.label]}`;
    return `Point ${i + 1}${what}${point.name ? `, ${point.name}` : ""}`;
  };
  function make(point) {
    const canvas = element("canvas", { ...sheetSize(get()), "aria-hidden": "true" }), caption = element("span", { class: "caption" });
    const made = button(canvas, () => choose(point), { class: "point" });
    made.append(caption);
    made.onkeydown = (event) => {
      const i = kept().indexOf(point), by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Delete") remove(point);
      else if (by && event.shiftKey) move(i, i + by);
      else return;
      event.preventDefault();
    };
    drag(made, box, () => kept().indexOf(point), move);
    return Object.assign(made, { canvas, caption });
  }
  return {
    show() {
      kept().forEach((point, i) => {
        point.made ??= make(point);
        point.made.setAttribute("aria-label", called(point, i));
        point.made.setAttribute("aria-pressed", String(point === chosen()));
        point.made.caption.textContent = point.name || (point.label === null ? String(i + 1) : get().called[point.label].replace("Digit ", ""));
      });
      const wanted = kept().map(({ made }) => made), focused = wanted.find((made) => made.matches(":focus"));
      if (wanted.length === box.children.length && wanted.every((made, i) => made === box.children[i])) return;
      box.replaceChildren(...wanted);
      focused?.focus();
    },
    paint(point, pixels) { paintSheet(point.made.canvas, pixels, get()); },
  };
}

function drag(made, box, number, move) { // sideways; up or down a finger scrolls the page
  let start = null, moved = false;
  made.onpointerdown = (event) => {
    if (event.button) return;
    made.setPointerCapture(event.pointerId); // a quick mouse is over another picture at its first move
    [start, moved] = [[event.clientX, event.clientY], false];
  };
  made.onpointermove = (event) => {
    if (!start) return;
    if (!moved && Math.hypot(event.clientX - start[0], event.clientY - start[1]) < SLOP) return;
    moved = true;
    made.classList.add("dragged");
    made.style.translate = `${event.clientX - start[0]}px ${event.clientY - start[1]}px`;
  };
  made.onpointerup = made.onpointercancel = (event) => {
    made.classList.remove("dragged");
    made.style.translate = ""; // first: it is measured where it stood
    start = null;
    if (moved && event.type === "pointerup") move(number(), nearest(box, event));
  };
  made.addEventListener("click", (event) => { if (moved) event.stopImmediatePropagation(); moved = false; }, true);
}

function nearest(box, { clientX, clientY }) { // the place that the pointer is over
  const distances = [...box.children].map((other) => {
    const r = other.getBoundingClientRect();
    return Math.hypot(clientX - (r.left + r.right) / 2, clientY - (r.top + r.bottom) / 2);
  });
  return distances.indexOf(Math.min(...distances));
}
