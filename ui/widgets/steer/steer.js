// One picture steered by sliders, each a way through latent space: z = start + sum of value * way.
// Every move makes new pixels, in this page or by /api/decode.

import { makeAsker } from "../asker.js";
import { mount, writeAddress } from "../bridge.js";
import { fromBase64 } from "../codecs.js";
import { decode, localModel } from "../runtime/local.js";
import { makeEnds } from "../live/ends.js";
import { button, element, putPixels, scrollPast, stepFinely } from "../shared.js";

function create(root, host) {
  const box = root.querySelector(".control"), views = root.querySelector(".pictures"), status = root.querySelector(".status");
  let data, values = [], known = "", moved, rows = [], ends = () => {}; // known: the last values that Python and this page agreed on

  const coordinate = (z, d) => data.axes.reduce((sum, axis, k) => sum + values[k] * axis.way[d], z);
  const point = () => data.start.map((z, d) => Number(coordinate(z, d).toFixed(4))); // the same here and at the server

  function tell(pixels) { // the address first
    const texts = data.axes.map((axis, k) => [axis.parameter, values[k] === axis.first ? "" : values[k]]);
    writeAddress(Object.fromEntries(texts));
    known = String(values);
    return host.send("move", { values, pixels });
  }

  const asker = makeAsker({
    address: () => `${data.base}/api/decode?model=${encodeURIComponent(data.model)}&z=${point()}`,
    tell: () => tell(true),
    show: ({ pixels }) => {
      putPixels(moved, pixels, data.shape[0]);
      root.querySelector(".steer").dataset.shown = String(values);
    },
    report: (text, note = "") => { status.textContent = text || note; },
    here: {
      entry: () => localModel(data.base, data.model, data.version),
      answer: (model) => ({ pixels: decode(model, point(), []) }),
    },
  });

  function take(k, number) {
    values[k] = number;
    show();
    asker.ask();
  }

  const settle = () => { if (String(values) !== known) tell(asker.routeless()); };

  function show() { // also to what else on the page shows this point
    rows.forEach((row, k) => row.show(values[k]));
    ends([]);
    dispatchEvent(new CustomEvent("latentpoint", { detail: { model: data.model, parameter: "steer", z: point() } }));
  }

  function layEnds() { // of ways that have two sides
    const twoSided = data.axes.map((_, k) => k).filter((k) => data.axes[k].least < 0);
    const at = (i, value) => point().map((z, d) => z + (value - values[twoSided[i]]) * data.axes[twoSided[i]].way[d]);
    return twoSided.length ? makeEnds(twoSided.map((k) => rows[k].input), data, at) : () => {};
  }

  function update(fresh, differs) {
    data = fresh;
    const anew = differs("model", "start", "axes", "captions", "before", "target");
    if (anew) {
      moved = layPictures(views, data);
      rows = data.axes.map((axis, k) => makeRow(axis, (number) => take(k, number), settle));
      views.style.setProperty("--sliders", rows.length);
      box.replaceChildren(...rows.flatMap((row) => [row.line, row.back]));
      ends = layEnds();
    }
    if (anew || String(data.values) !== known) {
      values = [...data.values];
      known = String(values);
      show();
      asker.ask();
    }
  }

  return { update, hear: asker.hear };
}

// Lay the pictures side by side; return the canvas of the one that moves, which begins as the one that it starts from.
function layPictures(views, { captions, shape: [channels, height, width], ...data }) {
  const canvases = captions.map((caption) => element("canvas", { width, height, role: "img", "aria-label": caption }));
  const figures = canvases.map((canvas, i) => element("figure", {}, canvas, element("figcaption", {}, captions[i])));
  views.replaceChildren(...figures);
  views.dataset.save = captions.join(", ");
  const [before, moved, target] = canvases;
  for (const canvas of [before, moved]) putPixels(canvas, fromBase64(data.before), channels);
  if (target) putPixels(target, fromBase64(data.target), channels);
  return moved;
}

function makeRow(axis, take, settle) { // one slider, and the button that puts it back
  const { least: min, most: max, step } = axis;
  const input = element("input", { type: "range", min, max, step, "aria-label": axis.name });
  const output = element("output", { "aria-hidden": "true", ...(axis.unit === "sd" ? { "data-word": "sd", style: "cursor:help" } : {}) });
  scrollPast(input);
  stepFinely(input, () => step);
  input.oninput = () => take(Number(input.value));
  input.onchange = settle;
  const reset = () => { take(axis.back); settle(); };
  const back = button("\u21ba", reset, { title: `Back to ${axis.back}`, "aria-label": `${axis.name}: back` });
  const inWords = (value) =>
    axis.unit === "%" ? `${Math.round(100 * value)} %` : `${value > 0 ? "+" : ""}${value.toFixed(2)} ${axis.unit}`;
  const show = (value) => {
    if (Number(input.value) !== value) input.value = value;
    output.textContent = inWords(value);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  return { line: element("label", { class: "line" }, element("span", {}, axis.name), input, output), input, back, show };
}

export default mount("steer", create);
