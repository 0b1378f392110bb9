// A picture and the box on it that says which part counts. It is dragged by a corner or as a whole, by mouse, finger or keys.

import { mount } from "../bridge.js";
import { button, clamp, element } from "../shared.js";

const WHOLE = [0, 0, 1, 1]; // left, top, right, bottom, in shares of the picture
const CORNERS = [["Upper left", 0, 1], ["Upper right", 2, 1], ["Lower left", 0, 3], ["Lower right", 2, 3]]; // and which sides meet there
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SLIMMEST = 8; // times as long as it is high, or the reverse: a slimmer picture is shown stretched, to be seen and dragged
const STEP = 0.01, LARGE_STEP = 0.05; // of the picture, that a key makes, and one with Shift

function create(root, host) {
  const status = root.querySelector(".status");
  let data, parts, box = WHOLE, told = "";

  function show() {
    const [left, top, right, bottom] = box;
    for (const part of [parts.box, parts.hole]) place(part, box);
    parts.box.classList.toggle("whole", String(box) === String(WHOLE));
    parts.reset.disabled = String(box) === String(data.first);
    parts.pane.style.setProperty("--width", right - left);
    parts.pane.style.setProperty("--height", bottom - top);
    CORNERS.forEach(([, across, down], i) => {
      parts.corners[i].style.setProperty("--x", percent(box[across]));
      parts.corners[i].style.setProperty("--y", percent(box[down]));
    });
    const words = (low, high) => `${Math.round(100 * low)} to ${Math.round(100 * high)} %`;
    status.textContent = `${words(left, right)} across, ${words(top, bottom)} down`;
  }

  function take(fresh) {
    box = fresh;
    show();
  }

  function settle() {
    if (String(box) === told) return;
    told = String(box);
    host.send("box", { box });
  }

  function update(fresh, differs) {
    data = fresh;
    if (differs("picture", "square")) {
      parts = lay(root.querySelector(".crop"), data);
      steer(parts.box, () => box, (start, across, down) => take(moved(start, across, down)), settle);
      CORNERS.forEach(([, i, j], k) => {
        steer(parts.corners[k], () => box, (start, across, down) => take(pulled(data, start, i, j, across, down)), settle);
      });
      parts.reset.onclick = () => { take(data.first); settle(); };
      take(data.box);
      told = String(box);
      root.querySelector(".crop").dataset.ready = "true";
    }
    if (differs("marks")) parts.marks.replaceChildren(...data.marks.map(mark));
  }

  return { update };
}

const percent = (share) => `${100 * share}%`;

function place(part, [left, top, right, bottom]) {
  Object.assign(part.style, { left: percent(left), top: percent(top), width: percent(right - left), height: percent(bottom - top) });
}

function mark({ box, name }) { // where something was seen
  const made = element("span", { class: "mark", "aria-hidden": "true" }, name);
  place(made, box);
  return made;
}

function lay(frame, { picture, size, label }) {
  const box = element("div", {
    class: "box", tabindex: 0, role: "application", "aria-label": `${label}. Drag it, or use the arrow keys; hold Shift for larger steps.`,
  });
  const corners = CORNERS.map(([name, across, down]) => element("div", {
    class: "corner", style: `--right:${across - 1};--below:${down - 2}`,
    tabindex: 0, role: "application", "aria-label": `${name} corner of the box. Drag it, or use the arrow keys; hold Shift for larger steps.`,
  }));
  const marks = element("div", { class: "marks" }), hole = element("div", { class: "hole" });
  const layer = element("div", { class: "layer" }, marks, hole);
  const image = element("img", { src: `data:image/jpeg;base64,${picture}`, alt: "The picture with the crop box", draggable: "false" });
  const reset = button("Put the box back", null, { class: "reset" });
  const pane = element("div", { class: "pane", style: `--ratio:${clamp(size[0] / size[1], 1 / SLIMMEST, SLIMMEST)}` }, image, layer, box, ...corners);
  frame.replaceChildren(pane, reset);
  return { pane, box, hole, corners, marks, reset };
}

// Call follow(start, across, down), in shares of the picture since the start, while a part is dragged or keys are pressed.
function steer(part, current, follow, settle) {
  let held = null, pressed = false; // pressed: an arrow key went down here, so that its repeats mean this part
  const side = () => part.parentElement.getBoundingClientRect();
  part.onpointerdown = (event) => {
    if (event.button || held) return;
    held = { id: event.pointerId, at: [event.clientX, event.clientY], start: current() };
    part.setPointerCapture(held.id);
  };
  part.onpointermove = (event) => {
    if (event.pointerId !== held?.id) return;
    const { width, height } = side();
    follow(held.start, (event.clientX - held.at[0]) / width, (event.clientY - held.at[1]) / height);
  };
  part.onpointerup = part.onpointercancel = (event) => {
    if (event.pointerId !== held?.id) return;
    held = null;
    settle();
  };
  part.onkeydown = (event) => {
    const way = ARROWS[event.key];
    if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    pressed ||= !event.repeat;
    if (!pressed) return; // it is held since the focus was elsewhere
    const step = event.shiftKey ? LARGE_STEP : STEP;
    follow(current(), way[0] * step, way[1] * step);
  };
  part.onkeyup = (event) => { if (ARROWS[event.key]) settle(); };
  part.onblur = () => { // the key comes up elsewhere
    pressed = false;
    settle();
  };
}

function moved([left, top, right, bottom], across, down) {
  const x = clamp(across, -left, 1 - right), y = clamp(down, -top, 1 - bottom);
  return [left + x, top + y, right + x, bottom + y];
}

// The box with its sides i and j pulled; the corner opposite stays.
function pulled({ least, square, size }, start, i, j, across, down) {
  const other = [start[2 - i], start[4 - j]]; // what stays
  const way = [i ? 1 : -1, j > 1 ? 1 : -1];
  const room = way.map((sign, axis) => (sign > 0 ? 1 - other[axis] : other[axis]));
  const before = [start[2] - start[0], start[3] - start[1]];
  const by = [way[0] * across, way[1] * down];
  const lengths = square ? squared(least, size, before, by, room)
    : before.map((length, axis) => clamp(length + by[axis], Math.min(least, room[axis]), room[axis]));
  const box = [...start];
  [box[i], box[j]] = other.map((at, axis) => at + way[axis] * lengths[axis]);
  return box;
}

// Both lengths of a square whose corner follows along its diagonal, so that a key, which moves it across or down, does too.
function squared(least, size, before, by, room) {
  const inPixels = (shares) => shares.map((share, axis) => share * size[axis]);
  const edge = Math.min(...inPixels(before)), [x, y] = inPixels(by);
  const fresh = clamp(edge + (x + y) / 2, Math.min(least * Math.min(...size), edge), Math.min(...inPixels(room)));
  return size.map((pixels) => fresh / pixels);
}

export default mount("crop", create);
