// The pictures of each model: its sheets on canvases, of which one row is shown at a time.

import { element } from "../shared.js";

const COLUMNS = 7, GAP = 2;

export function makePanel(model) {
  const note = element("span");
  const sheets = model.sheets.map(({ title, source }) => {
    const rows = Math.ceil(model.tiles / COLUMNS), width = COLUMNS * (model.width + GAP) - GAP, height = rows * (model.height + GAP) - GAP;
    const canvas = element("canvas", { width, height, role: "img" }), image = new Image();
    image.src = source;
    return { title, canvas, image };
  });
  const figures = sheets.map(({ title, canvas }) => element("figure", {}, element("figcaption", {}, title), canvas));
  const part = element("section", { "data-save": `${model.name} as it learned` }, element("h2", {}, model.name, " ", note), ...figures);
  return { ...model, note, sheets, part };
}

export function rowAt({ epochs }, epoch) { // the latest stored epoch up to this one; the first where that comes earlier
  const later = epochs.findIndex((stored) => stored > epoch);
  return later < 0 ? epochs.length - 1 : Math.max(0, later - 1);
}

export function describe({ name, epochs, losses, note, sheets }, row) {
  note.textContent = [`epoch ${epochs[row]}`, losses[row]].filter(Boolean).join(", ");
  for (const { title, canvas } of sheets) canvas.setAttribute("aria-label", `${title}, ${name}, epoch ${epochs[row]}`);
}

export function paint({ width, height, tiles, sheets }, row, opacity) {
  for (const { canvas, image } of sheets) {
    const context = canvas.getContext("2d");
    context.globalAlpha = opacity;
    for (let i = 0; i < tiles; i++) {
      const x = (i % COLUMNS) * (width + GAP), y = Math.floor(i / COLUMNS) * (height + GAP);
      context.drawImage(image, i * width, row * height, width, height, x, y, width, height);
    }
  }
}
