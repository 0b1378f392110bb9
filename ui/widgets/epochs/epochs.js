// Play or scrub through pictures stored during a training. All of them come at once, as one sheet for each model and kind
// of picture (a row per epoch, `tiles` columns), so nothing is asked while it plays.

import { mount, writeAddress } from "../bridge.js";
import { element, scrollPast } from "../shared.js";

const COLUMNS = 10, GAP = 2, PAUSE = 700, FADE = 300; // PAUSE, FADE: milliseconds per epoch and of the change
const ICONS = { Play: "M4 2.5v13l10-6.5z", Pause: "M4 3h3.5v12H4zM10.5 3H14v12h-3.5z" };

function create(root, host) {
  const box = root.querySelector(".epochs"), button = root.querySelector(".play");
  const slider = root.querySelector("input"), output = root.querySelector("output"), models = root.querySelector(".models");
  let data, panels = [], place = 0, timer = null, frame = null;
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  function makePanels() {
    const made = data.models.map((model) => {
      const note = element("span");
      const sheets = model.sheets.map(({ title, source }) => {
        const canvas = element("canvas", {
          width: COLUMNS * (model.width + GAP) - GAP, height: Math.ceil(model.tiles / COLUMNS) * (model.height + GAP) - GAP, role: "img",
        });
        const image = new Image();
        image.src = source;
        return { title, canvas, image };
      });
      const figures = sheets.map(({ title, canvas }) => element("figure", {}, element("figcaption", {}, title), canvas));
      const part = element("section", {}, element("h3", {}, model.name, " ", note), ...figures);
      return { ...model, note, sheets, part };
    });
    models.replaceChildren(...made.map(({ part }) => part));
    return made;
  }

  const row = (model, at) => { // the latest stored epoch up to the one chosen; the first where that comes earlier
    const later = model.epochs.findIndex((epoch) => epoch > data.epochs[at]);
    return later < 0 ? model.epochs.length - 1 : Math.max(0, later - 1);
  };

  function paint(model, { canvas, image }, at, opacity) {
    const context = canvas.getContext("2d"), { width, height, tiles } = model;
    context.globalAlpha = opacity;
    for (let i = 0; i < tiles; i++) {
      const x = (i % COLUMNS) * (width + GAP), y = Math.floor(i / COLUMNS) * (height + GAP);
      context.drawImage(image, i * width, at * height, width, height, x, y, width, height);
    }
  }

  function show(next) {
    const before = place, begin = performance.now();
    place = next;
    slider.value = place;
    slider.setAttribute("aria-valuetext", `epoch ${data.epochs[place]} of ${data.epochs.at(-1)}`);
    output.textContent = `epoch ${data.epochs[place]}`;
    for (const model of panels) {
      const at = row(model, place);
      model.note.textContent = [`epoch ${model.epochs[at]}`, model.losses[at]].filter(Boolean).join(", ");
      for (const { title, canvas } of model.sheets) canvas.setAttribute("aria-label", `${title}, ${model.name}, epoch ${model.epochs[at]}`);
    }
    cancelAnimationFrame(frame);
    const draw = (now) => { // old pictures fade into new ones, unless the visitor wants no motion
      const share = timer === null || still.matches ? 1 : Math.min(1, (now - begin) / FADE);
      for (const model of panels) for (const sheet of model.sheets) {
        if (share < 1) paint(model, sheet, row(model, before), 1);
        paint(model, sheet, row(model, place), share);
      }
      if (share < 1) frame = requestAnimationFrame(draw);
      else box.dataset.shown = data.epochs[place];
    };
    frame = requestAnimationFrame(draw);
  }

  function label(name) {
    button.setAttribute("aria-label", name);
    button.innerHTML = `<svg viewBox="0 0 18 18" width="18" height="18" aria-hidden="true"><path fill="currentColor" d="${ICONS[name]}"/></svg>`;
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    label("Play");
    const epoch = data.epochs[place];
    writeAddress({ epoch });
    host.set("epoch", epoch);
  }

  function play() {
    label("Pause");
    timer = setInterval(() => (place + 1 < data.epochs.length ? show(place + 1) : pause()), PAUSE);
    show(place + 1 < data.epochs.length ? place : 0);
  }

  const toggle = () => (timer === null ? play() : pause());
  button.onclick = toggle;
  scrollPast(slider);
  slider.oninput = () => { clearInterval(timer); timer = null; label("Play"); show(Number(slider.value)); };
  slider.onchange = pause;
  slider.onkeydown = (event) => { if (event.key === " ") { event.preventDefault(); toggle(); } };

  async function update(fresh, differs) {
    data = fresh;
    if (!differs("epochs", "models")) return;
    clearInterval(timer);
    timer = null;
    label("Play");
    slider.max = data.epochs.length - 1;
    const made = panels = makePanels();
    await Promise.all(panels.flatMap(({ sheets }) => sheets.map(({ image }) => image.decode())));
    if (made !== panels) return; // other models were chosen meanwhile
    const asked = data.epochs.findLastIndex((epoch) => epoch <= data.epoch);
    show(data.epoch < 0 ? data.epochs.length - 1 : Math.max(0, asked));
  }

  return { update };
}

export default mount("epochs", create);
