// What a drawing became: pictures with their notes, and a bar for each label.

import { button, element, putPixels } from "../shared.js";

const LEAST = 0.4; // percent of the width that any bar has

export function makePictures(root) {
  const box = root.querySelector(".pictures"), barBox = root.querySelector(".bars"), reads = root.querySelector(".reads");
  let side = 0, canvases = [], bars = [];

  function lay({ captions, columns, labels, ...data }) {
    side = data.side;
    canvases = captions.map((caption) => ({
      canvas: element("canvas", { width: side, height: side, role: "img", "aria-label": caption }), note: element("small"), caption,
    }));
    box.replaceChildren(...canvases.map(({ canvas, note, caption }) =>
      element("figure", {}, canvas, element("figcaption", {}, caption, note))));
    box.style.setProperty("--columns", columns);
    box.style.setProperty("--rows", Math.ceil(captions.length / columns));
    bars = labels.map((label) => {
      const bar = element("span", { class: "bar" }), value = element("output");
      return { line: element("div", { class: "line" }, element("b", {}, label), element("span", { class: "track" }, bar), value), bar, value, label };
    });
    const other = button("Show nats", () => {
      other.textContent = barBox.classList.toggle("in-nats") ? "Show shares" : "Show nats";
    }, { title: "log p(x given y) of each label, in nats: natural units of information, of which 0.69 are one bit" });
    barBox.replaceChildren(...bars.map(({ line }) => line), other);
    barBox.hidden = true;
    reads.hidden = !labels.length;
    reads.textContent = "";
  }

  const fits = (pixels) => pixels.length === side * side * 3 * canvases.length;

  function show(pixels, notes) {
    const each = side * side * 3;
    canvases.forEach(({ canvas, note }, i) => {
      putPixels(canvas, pixels.subarray(i * each, (i + 1) * each), 3);
      note.textContent = notes[i] ?? "";
    });
  }

  function showBars(scores) { // log p(x | y), shown as p(y | x), all labels alike beforehand, the most probable first
    barBox.hidden = !scores.length;
    if (!scores.length) return;
    const best = Math.max(...scores), total = scores.reduce((sum, v) => sum + Math.exp(v - best), 0);
    const places = scores.map((_, i) => i).sort((i, j) => scores[j] - scores[i]);
    places.forEach((i, place) => {
      const { line, bar, value, label } = bars[i], share = Math.exp(scores[i] - best) / total;
      bar.style.width = `${Math.max(LEAST, 100 * share)}%`;
      value.replaceChildren(element("span", { class: "share" }, percent(share)), element("span", { class: "nats" }, `${scores[i].toFixed(0)} nats`));
      line.style.order = place + 1; // the heading has 0
      line.classList.toggle("best", place === 0);
      if (!place) reads.textContent = `It reads as ${label}`;
    });
  }

  return { lay, fits, show, showBars };
}

const percent = (share) => `${share >= 0.0005 ? (100 * share).toFixed(share > 0.9995 ? 0 : 1) : 0} %`;
