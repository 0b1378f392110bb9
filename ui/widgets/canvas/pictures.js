// What a drawing became: pictures with their notes, and a bar for each label.

import { element, putPixels } from "../shared.js";

const LEAST = 0.5; // percent of the width that any bar has

export function makePictures(root) {
  const box = root.querySelector(".pictures"), barBox = root.querySelector(".bars");
  let side = 0, canvases = [], bars = [];

  function lay({ captions, columns, labels, ...data }) {
    side = data.side;
    canvases = captions.map((caption) => ({
      canvas: element("canvas", { width: side, height: side, role: "img", "aria-label": caption }), note: element("small"), caption,
    }));
    box.replaceChildren(...canvases.map(({ canvas, note, caption }) =>
      element("figure", {}, canvas, element("figcaption", {}, caption, note))));
    box.style.setProperty("--columns", columns);
    bars = labels.map((label) => {
      const bar = element("span", { class: "bar" }), value = element("output");
      return { line: element("div", { class: "line" }, element("b", {}, label), element("span", { class: "track" }, bar), value), bar, value };
    });
    barBox.replaceChildren(...bars.map(({ line }) => line));
    barBox.hidden = true;
  }

  const fits = (pixels) => pixels.length === side * side * 3 * canvases.length;

  function show(pixels, notes) {
    const each = side * side * 3;
    canvases.forEach(({ canvas, note }, i) => {
      putPixels(canvas, pixels.subarray(i * each, (i + 1) * each), 3);
      note.textContent = notes[i] ?? "";
    });
  }

  function showBars(scores) { // log p(x | y): its length falls to nothing 100 nats below the best
    barBox.hidden = !scores.length;
    if (!scores.length) return;
    const best = Math.max(...scores), total = scores.reduce((sum, v) => sum + Math.exp(v - best), 0);
    bars.forEach(({ line, bar, value }, i) => {
      const score = scores[i], share = Math.exp(score - best) / total;
      bar.style.width = `${Math.max(LEAST, 100 + score - best)}%`;
      value.textContent = `${score.toFixed(0)} nats · ${share >= 0.0005 ? (100 * share).toFixed(share > 0.9995 ? 0 : 1) : 0} %`;
      line.classList.toggle("best", score === best);
    });
  }

  return { lay, fits, show, showBars };
}
