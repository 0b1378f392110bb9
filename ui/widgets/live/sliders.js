// One slider for each latent dimension; the first are open, the rest is folded.

import { element, explained, scrollPast } from "../shared.js";
import { makeEnds } from "./ends.js";

export function makeSliders(box, data, current, move, settle) {
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
    if (data.words[dimension]) name.append(element("small", { class: "words" }, data.words[dimension]));
    return { dimension, input, value, line: element("label", { class: "line" }, name, input, value) };
  });
  const open = rows.slice(0, data.open).map((row) => row.line), folded = rows.slice(data.open).map((row) => row.line);
  const rest = element("details", {}, element("summary", {}, `${folded.length} more dimensions`), ...folded);
  const note = data.kl
    ? ["Ordered by the information that each carries: its mean ", explained("KL"), " in ", explained("nats")]
    : [`Order unknown. Measure it with: python evaluate.py ${data.model}`];
  box.replaceChildren(...open, ...(folded.length ? [rest] : []), element("p", { class: "note" }, element("span", {}, ...note)));
  const shown = rows.slice(0, data.open), instead = (k, value) => current().map((v, d) => (d === shown[k].dimension ? value : v));
  const moved = makeEnds(shown.map(({ input }) => input), data, instead);
  function show(z, labels) {
    rows.forEach(({ dimension, input, value }) => {
      const text = z[dimension].toFixed(2);
      if (Number(input.value) !== z[dimension]) input.value = z[dimension];
      if (value.textContent === text) return; // what stays the same is not laid out again
      value.textContent = text;
      input.setAttribute("aria-valuetext", text);
    });
    moved(labels);
  }
  return { show };
}
