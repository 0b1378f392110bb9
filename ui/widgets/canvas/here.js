// What ui/shell/sketch.py answers, made in this page: what the model sees, its reconstruction and its reading of it, eight
// completions. `here` of the data says which model does it, with what noise and colours.

import { fromBase64, fromText, unpackBits } from "../codecs.js";
import { localModel, oneHot } from "../runtime/local.js";

const GRID = 80; // of the ink, as sketch.INK

// entry() and answer() as ui/widgets/asker.js takes them; the latter null where this picture needs the server.
export function makeHere(state) {
  let prepared = null, loading = false; // prepared: cvae/browser/digits.js, once it is here
  const tasks = { see, reconstruct, inpaint };

  function entry() {
    const { here, base, mode } = state.data ?? {};
    if (!here) return null;
    const found = localModel(base, here.model, here.version);
    if (!found.model || mode !== "ink" || prepared) return found;
    if (!loading) {
      loading = true;
      found.model.module("digits").then((code) => { prepared = code.prepared; }, () => { loading = false; });
    }
    return { ...found, model: null };
  }

  function answer(model) {
    const { data, bits } = state, task = tasks[data.query.task];
    const places = unpackBits(fromText(bits)), side = data.mode === "ink" ? GRID : data.side;
    const marked = new Float32Array(side * side);
    for (const place of places) marked[place] = 1;
    return task(model, data, marked, prepared);
  }

  return { entry, answer };
}

function see(model, data, ink, prepared) {
  const x = prepared(ink, GRID, GRID);
  return x && { pixels: grey([x]), about: { notes: [], scores: [] } };
}

function reconstruct(model, { here }, ink, prepared) {
  const x = prepared(ink, GRID, GRID), { classes, parts } = model.program;
  if (!x) return null;
  let scores = [], c = {};
  if (classes) {
    const every = oneHot(Array.from({ length: classes }, (_, label) => label), classes);
    scores = [...model.run("reading", { x, c: every, noise: numbers(here.noise) }).score];
    c = { c: oneHot([scores.indexOf(Math.max(...scores))], classes) };
  }
  const { u } = model.run("encoder", parts.encoder.inputs.c ? { x, ...c } : { x });
  const again = model.run("decoder", { u, ...c }).pixels, apart = again.map((v, i) => v - x[i]);
  const mse = apart.reduce((sum, v) => sum + v * v, 0) / x.length;
  const pixels = joined(grey([x, again]), ramp(apart, here.colours, -1, 1));
  return { pixels, about: { notes: ["", `MSE ${mse.toFixed(4)}`, ""], scores } };
}

function inpaint(model, { here, background }, hole) {
  const hidden = hole.reduce((a, b) => a + b, 0);
  if (!hidden || hidden === hole.length) return null; // the server says what to do
  const x = Float32Array.from(fromBase64(background), (level) => level / 255), noise = numbers(here.noise);
  const all = model.run("decoder", { u: noise, x, visible: hole.map((v) => 1 - v) }).pixels, n = all.length / x.length;
  const completions = Array.from({ length: n }, (_, i) => all.subarray(i * x.length, (i + 1) * x.length));
  const mean = x.map((_, i) => completions.reduce((sum, each) => sum + each[i], 0) / n);
  const spread = x.map((_, i) => Math.sqrt(completions.reduce((sum, each) => sum + (each[i] - mean[i]) ** 2, 0) / (n - 1)));
  return { pixels: joined(grey([...completions, mean]), ramp(spread, here.colours, 0, 0.5)), about: { notes: [], scores: [] } };
}

const numbers = (text) => new Float32Array(fromText(text).buffer);

function joined(...parts) {
  const whole = new Uint8ClampedArray(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((start, part) => { whole.set(part, start); return start + part.length; }, 0);
  return new Uint8Array(whole.buffer);
}

function grey(pictures) { // grey in [0, 1] as RGB, with the rounding of a clamped array
  const area = pictures[0].length, pixels = new Uint8ClampedArray(3 * area * pictures.length);
  pictures.forEach((picture, k) => picture.forEach((v, i) => pixels.fill(255 * v, 3 * (k * area + i), 3 * (k * area + i) + 3)));
  return pixels;
}

// Numbers from low to high as colours, even steps apart and mixed between; as images.signed and images.heat.
function ramp(values, colours, low, high) {
  const stops = colours.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  const pixels = new Uint8ClampedArray(3 * values.length), last = stops.length - 1;
  values.forEach((v, i) => {
    const along = Math.max(0, Math.min(last, ((v - low) / (high - low)) * last)), k = Math.min(last - 1, Math.floor(along));
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = stops[k][c] + (along - k) * (stops[k + 1][c] - stops[k][c]);
  });
  return pixels;
}
