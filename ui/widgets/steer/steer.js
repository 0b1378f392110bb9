// One picture steered by sliders, each a way through latent space: z = start + sum of value * way.
// Every move asks /api/decode for new pixels.

import { mount, writeAddress } from "../bridge.js";
import { fromBase64 } from "../codecs.js";
import { element, makeAsker, putPixels, scrollPast } from "../shared.js";

function create(root, host) {
  const box = root.querySelector(".control"), status = root.querySelector(".status"), views = root.querySelector(".pictures");
  let data, values = [], known = "", before, after, target, rows = [];

  const point = () => data.start.map((z, d) => data.axes.reduce((sum, axis, k) => sum + values[k] * axis.way[d], z));

  function tell(pixels) { // the address first
    writeAddress(Object.fromEntries(data.axes.map((axis, k) => [axis.parameter, values[k] === axis.first ? "" : values[k]])));
    known = String(values);
    return host.send("move", { values, pixels });
  }

  const asker = makeAsker({
    address: () => `${data.base}/api/decode?model=${encodeURIComponent(data.model)}&z=${point().map((v) => v.toFixed(4))}`,
    tell: () => tell(true),
    show: ({ pixels }) => {
      putPixels(after, pixels, data.shape[0]);
      root.querySelector(".steer").dataset.shown = String(values);
    },
    report: (text) => { status.textContent = text; },
  });

  function settle() {
    if (String(values) !== known) tell(asker.routeless());
  }

  function lay() {
    const [channels, height, width] = data.shape;
    const picture = (caption) => {
      const canvas = element("canvas", { width, height, role: "img", "aria-label": caption });
      views.append(element("figure", {}, canvas, element("figcaption", {}, caption)));
      return canvas;
    };
    views.replaceChildren();
    [before, after, target] = data.captions.map(picture);
    putPixels(before, fromBase64(data.before), channels);
    if (target) putPixels(target, fromBase64(data.target), channels);
    putPixels(after, fromBase64(data.before), channels);
    rows = data.axes.map((axis, k) => {
      const input = element("input", {
        type: "range", min: axis.least, max: axis.most, step: axis.step, "aria-label": axis.name,
      });
      const value = element("output", { "aria-hidden": "true" });
      const take = (number) => {
        values[k] = number;
        show();
        asker.ask();
      };
      scrollPast(input);
      input.oninput = () => take(Number(input.value));
      input.onchange = settle;
      const back = element("button", { type: "button", title: `Back to ${axis.first}`, "aria-label": `${axis.name}: back` }, "\u21ba");
      back.onclick = () => { take(axis.first); settle(); };
      box.append(element("label", { class: "line" }, element("span", {}, axis.name), input, value), back);
      return { input, value, axis };
    });
  }

  function show() {
    rows.forEach(({ input, value, axis }, k) => {
      if (Number(input.value) !== values[k]) input.value = values[k];
      const text = axis.unit === "%" ? `${Math.round(100 * values[k])} %` : `${values[k] > 0 ? "+" : ""}${values[k].toFixed(2)} ${axis.unit}`;
      value.textContent = text;
      input.setAttribute("aria-valuetext", text);
    });
  }

  function update(fresh, differs) {
    data = fresh;
    const anew = differs("model", "start", "axes", "captions", "before", "target");
    if (anew) {
      box.replaceChildren();
      lay();
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

export default mount("steer", create);
