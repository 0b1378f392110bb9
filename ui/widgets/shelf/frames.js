// The pictures of a shelf: one after the other those that somebody waits for, else the one that is shown, always the
// latest. The page makes them where it has the model, with mixtures of labels; else the server, with the nearer label.

import { mixedLabels } from "../../../cvae/browser/morph.js";
import { makeAsker } from "../asker.js";
import { localModel, oneHot } from "../runtime/local.js";

const ROW = 5; // pictures side by side where all labels are shown, as in ui/shell/moving.py

// A place on the way is {z, from, to, share}; present() returns the one that show(pixels) shows. get() returns the data.
export function makeFrames({ get, host, present, show, report }) {
  const queue = [];
  let asked = null, due = false, failed = false; // asked: what the next answer is about, null for what is shown
  const place = () => asked?.place ?? present();

  function labels() {
    const { every, classes } = get(), { from, to, share } = place();
    if (every) return Array.from({ length: every }, (_, i) => i);
    return classes ? [(share < 0.5 ? from : to).label] : [];
  }
  function next() { asked = queue[0] ?? null; }
  function address() {
    next();
    const { base, model } = get(), told = labels();
    const z = place().z.map((v) => Number(v.toFixed(4)));
    return `${base}/api/decode?model=${encodeURIComponent(model)}&z=${z}${told.length ? `&label=${told}` : ""}`;
  }
  function tell() {
    next();
    return host.send("frame", { z: place().z, labels: labels() });
  }
  const asker = makeAsker({
    address, tell,
    show({ pixels }) {
      if (asked === null) {
        due = false;
        show(pixels);
      } else if (asked === queue[0]) queue.shift().done(pixels);
      if (queue.length || due) asker.ask();
    },
    report(text) {
      if (text || failed) report(text); // what else stands there stays
      failed = text !== "";
      if (text) queue.splice(0).forEach(({ fail }) => fail(new Error(text)));
    },
    here: {
      entry: () => { const { base, model, version } = get(); return localModel(base, model, version); },
      answer(model) { next(); return { pixels: made(model, place(), get()) }; },
    },
  });
  return {
    ask() { due = true; asker.ask(); },
    hear: asker.hear,
    get(there) { // a promise of its pixels
      return new Promise((done, fail) => { queue.push({ place: there, done, fail }); asker.ask(); });
    },
    drop() { queue.splice(0).forEach(({ fail }) => fail(new Error("Another model was chosen."))); },
  };
}

function made(model, place, { every, classes }) { // uint8, row by row, one label after the other
  const { image: [channels, height, width] } = model.program, area = height * width, each = area * channels;
  const c = every ? oneHot(Array.from({ length: every }, (_, i) => i), classes) : classes && mixedLabels(place, classes);
  const planes = model.toLevels(model.run("decoder", { u: place.z, ...(classes ? { c } : {}) }).pixels);
  if (channels === 1) return planes;
  return planes.map((_, i) => {
    const k = i % each;
    return planes[i - k + (k % channels) * area + Math.floor(k / channels)];
  });
}

// How large a canvas is that holds all labels, and what paints pixels onto it.
export function sheetSize({ every, shape: [, height, width] }) {
  const count = every || 1, columns = Math.min(count, ROW);
  return { width: columns * width, height: Math.ceil(count / ROW) * height };
}
export function paintSheet(canvas, pixels, { shape: [channels, height, width] }) {
  const context = canvas.getContext("2d"), columns = canvas.width / width, each = channels * height * width;
  for (let n = 0; (n + 1) * each <= pixels.length; n++) {
    const tile = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) tile.data[4 * i + c] = pixels[n * each + i * channels + (channels === 3 ? c : 0)];
      tile.data[4 * i + 3] = 255;
    }
    context.putImageData(tile, (n % columns) * width, Math.floor(n / columns) * height);
  }
}
