// The way from A to B on the plane: a line, and a handle for each end that a pointer or the arrow keys move.

import { writeAddress } from "../bridge.js";
import { packPoint, snap } from "../codecs.js";
import { clamp, element } from "../shared.js";

const SVG = "http://www.w3.org/2000/svg";
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export function layWay(box, data, host) {
  const pad = box.querySelector(".pad");
  if (data.way && String(pad.way) === String(data.way)) return; // as it is, lest a handle lose the focus
  pad.way = data.way && data.way.map((end) => [...end]);
  pad.querySelectorAll(".way").forEach((part) => part.remove());
  if (!data.way) return;
  const ends = pad.way, line = document.createElementNS(SVG, "line"), drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "way line-of-way");
  drawing.append(line);
  const percent = (v) => `${50 * (v / data.span + 1)}%`, inside = (v) => clamp(snap(v), -data.span, data.span);
  const handles = [..."AB"].map((letter, k) => element("div", {
    class: "way end", role: "button", tabindex: 0, "aria-label": `${letter}, an end of the way: move it with the arrow keys`,
  }, letter));

  function show() {
    ends.forEach(([x, y], k) => {
      handles[k].style.left = percent(x);
      handles[k].style.top = percent(-y);
      line.setAttribute(`x${k + 1}`, percent(x));
      line.setAttribute(`y${k + 1}`, percent(-y));
    });
  }

  function settle(k) {
    writeAddress({ ["ab"[k]]: packPoint(ends[k]) });
    host.send(`end_${"ab"[k]}`, { z: ends[k] });
  }

  const move = (k, point) => { ends[k] = point.map(inside); show(); };
  handles.forEach((handle, k) => follow(handle, pad, data.span, ends, k, move, settle));
  pad.querySelector(".marker").before(drawing, ...handles);
  show();
}

function follow(handle, pad, span, ends, k, move, settle) {
  const own = (event) => event.stopPropagation(); // the pad would take it for its own
  handle.onpointerdown = (event) => { own(event); handle.setPointerCapture(event.pointerId); };
  handle.onpointermove = (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    own(event);
    const r = pad.getBoundingClientRect();
    move(k, [(2 * (event.clientX - r.left)) / r.width * span - span, span - (2 * (event.clientY - r.top)) / r.height * span]);
  };
  handle.onpointerup = (event) => { own(event); settle(k); };
  handle.onkeydown = (event) => {
    const way = STEPS[event.key], size = event.shiftKey ? 0.5 : 0.125;
    if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    own(event);
    move(k, ends[k].map((v, i) => v + way[i] * size));
  };
  handle.onkeyup = (event) => { if (STEPS[event.key]) { own(event); settle(k); } };
}
