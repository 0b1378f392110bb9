// Strips of pictures around a point, one for each coordinate that moves. Python sends them with every point that is
// settled. While a live control is dragged this page makes them anew, where it has the model: as many in a frame as leave
// time for the rest, always at the latest point.

import { mount } from "../bridge.js";
import { fromBase64 } from "../codecs.js";
import { decode, localModel } from "../runtime/local.js";
import { element, putPixels } from "../shared.js";

const SCALE = 4, GAP = 6, ROUND = 6; // of a picture, in pixels of its strip; as images.grid_png
const SHARE = 6; // ms of a frame
const PATIENCE = 3; // pictures in a row that took longer than that, after which the strips wait for Python

function create(root) {
  const box = root.querySelector(".strips"), view = watched(box);
  let data, strips = [], z = [], held = false;
  let next = 0, left = 0, frame = null, slow = 0; // the picture to make next, and how many are of an older point
  const count = () => data.dims.length * data.values.length;

  function paint(i, pixels) {
    strips[Math.floor(i / data.values.length)].paint(i % data.values.length, pixels);
  }

  function made(model, i) {
    const { dims, values, labels } = data, at = [...z];
    at[dims[Math.floor(i / values.length)]] = values[i % values.length];
    return decode(model, at, labels);
  }

  function work() {
    frame = null;
    const { model, fail } = localModel(data.base, data.model, data.version), begin = performance.now();
    try {
      for (let now = begin; model && left && now - begin < SHARE; left--, next = (next + 1) % count()) {
        paint(next, made(model, next));
        const then = performance.now();
        slow = then - now > SHARE ? slow + 1 : 0;
        now = then;
      }
    } catch (error) { fail(error); }
    if (!left) box.dataset.shown = String(z);
    else if (model && slow < PATIENCE) frame = requestAnimationFrame(work);
  }

  function follow({ detail }) { // a live control has moved, is let go or is put elsewhere
    if (!root.isConnected) return removeEventListener("latentpoint", follow);
    if (detail.model !== data.model || detail.parameter !== data.parameter) return;
    const moved = String(detail.z) !== String(z);
    [z, held] = [detail.z, detail.held];
    if (!moved || !view.inside || slow >= PATIENCE) return;
    left = count();
    if (frame === null) frame = requestAnimationFrame(work);
  }
  addEventListener("latentpoint", follow);

  function update(fresh, differs) {
    data = fresh;
    box.dataset.save = data.alt;
    const anew = differs("captions", "values", "shape", "alt");
    if (anew) {
      strips = data.captions.map((caption) => makeStrip(caption, data));
      box.replaceChildren(...strips.map((strip) => strip.figure));
    }
    if (held && !anew) return; // of a point that the visitor has left
    [z, left, next] = [data.z, 0, 0];
    const pixels = fromBase64(data.pixels), each = pixels.length / count();
    for (let i = 0; i < count(); i++) paint(i, pixels.subarray(i * each, (i + 1) * each));
    box.dataset.shown = String(z);
  }

  return { update };
}

function watched(box) { // whether any of it is on the screen
  const view = { inside: false };
  new IntersectionObserver((entries) => { view.inside = entries.at(-1).isIntersecting; }).observe(box);
  return view;
}

function makeStrip(caption, { alt, values, shape: [channels, height, width] }) {
  const [wide, high] = [width * SCALE, height * SCALE], places = values.map((_, i) => i * (wide + GAP));
  const about = { width: places.length * (wide + GAP) - GAP, height: high, role: "img", "aria-label": `${alt}, ${caption}` };
  const canvas = element("canvas", about), paper = canvas.getContext("2d"), small = element("canvas", { width, height });
  const rounded = new Path2D();
  for (const x of places) rounded.roundRect(x, 0, wide, high, ROUND);
  paper.clip(rounded);
  paper.imageSmoothingEnabled = false;
  return {
    figure: element("figure", {}, element("figcaption", {}, caption), canvas),
    paint(i, pixels) {
      putPixels(small, pixels, channels);
      paper.drawImage(small, places[i], 0, wide, high);
    },
  };
}

export default mount("strips", create);
