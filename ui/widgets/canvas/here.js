// What ui/shell/sketch.py answers, made in this page: what the model sees, its reconstruction and its reading of it, the
// drawing spoiled and cleaned, eight completions. `here` of the data says which models do it, with what noise and colours.

import { fromBase64, fromText, unpackBits } from "../codecs.js";
import { localModel, oneHot } from "../runtime/local.js";

const GRID = 80; // of the ink, as sketch.INK

// entry() and answer() as ui/widgets/asker.js takes them; the latter null where this picture needs the server.
export function makeHere(state) {
  let digits = null, loading = false; // digits: cvae/browser/digits.js, once it is here
  const tasks = { see, reconstruct, denoise, inpaint };

  function entry() {
    const { here, base, mode } = state.data ?? {};
    if (!here?.models) return here && { model: null, note: here.note, begin() {}, fail() {} };
    const all = together(here.models.map(([name, version]) => localModel(base, name, version)));
    if (!all.model || mode !== "ink" || digits) return all;
    if (!loading) {
      loading = true;
      all.model[0].module("digits").then((code) => { digits = code; }, () => { loading = false; });
    }
    return { ...all, model: null };
  }

  function answer(models) {
    const { data, bits } = state, ink = data.mode === "ink", side = ink ? GRID : data.side, marked = new Float32Array(side * side);
    for (const place of unpackBits(fromText(bits))) marked[place] = 1;
    const digit = ink ? digits.prepared(marked, side, side) : marked;
    return digit && tasks[data.query.task](models, data, ink ? digits.fitted(digit, data.side) : digit);
  }

  return { entry, answer };
}

function together(entries) { // as one whose `model` is a list; the first one stands for all where they fail
  const models = entries.map((entry) => entry.model);
  return {
    model: models.every(Boolean) ? models : null,
    note: entries.map((entry) => entry.note).find(Boolean) ?? "",
    begin: () => entries.forEach((entry) => entry.begin()),
    fail: (error) => entries[0].fail(error),
  };
}

function see(_, data, x) {
  return { pixels: grey([x]), about: { notes: [], scores: [] } };
}

function reconstruct([model], { here }, x) {
  const { scores, again } = redrawn(model, x, here), apart = again.map((v, i) => v - x[i]);
  const pixels = joined(grey([x, again]), ramp(apart, here.colours, -1, 1));
  return { pixels, about: { notes: ["", `MSE ${mse(x, again).toFixed(4)}`, ""], scores } };
}

function redrawn(model, x, { noise }) { // with the label that it reads, and how well each label explains the picture
  const { classes, parts } = model.program;
  let scores = [], c = {};
  if (classes) {
    const every = oneHot(Array.from({ length: classes }, (_, label) => label), classes);
    scores = [...model.run("reading", { x, c: every, noise: numbers(noise) }).score];
    c = { c: oneHot([scores.indexOf(Math.max(...scores))], classes) };
  }
  const { u } = model.run("encoder", parts.encoder.inputs.c ? { x, ...c } : { x });
  return { scores, again: model.run("decoder", { u, ...c }).pixels };
}

function denoise([model, ...cleaners], { here, side }, x) {
  const dirty = spoiled(x, side, here.spoils), clean = cleaners.map((cleaner) => cleaner.run("denoising", { x: dirty }).clean);
  const shown = [x, dirty, ...clean, redrawn(model, dirty, here).again];
  const decibels = (y) => Math.min(99, -10 * Math.log10(mse(x, y)));
  const notes = shown.map((y, i) => (i ? `PSNR ${decibels(y).toFixed(1)} dB` : ""));
  return { pixels: grey(shown), about: { notes, scores: [] } };
}

function spoiled(x, side, { kernel, factor, term }) { // by a recipe of cvae/data/corruptions.py
  if (kernel) return [[1, side], [side, 1]].reduce((from, [step, line]) => blurred(from, side, step, line, numbers(kernel)), x);
  const [factors, terms] = [factor, term].map(numbers);
  return x.map((v, i) => Math.max(0, Math.min(1, factors[i] * v + terms[i])));
}

function blurred(x, side, step, line, kernel) { // along lines whose pixels lie `step` apart; outside it is black
  const reach = (kernel.length - 1) / 2, made = new Float32Array(x.length);
  for (let row = 0; row < side; row++) {
    for (let i = 0; i < side; i++) {
      let sum = 0;
      for (let k = Math.max(0, i - reach); k <= Math.min(side - 1, i + reach); k++) sum += kernel[k - i + reach] * x[row * line + k * step];
      made[row * line + i * step] = sum;
    }
  }
  return made;
}

function inpaint([model], { here, background }, hole) {
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
const mse = (x, y) => x.reduce((sum, v, i) => sum + (v - y[i]) ** 2, 0) / x.length;

function joined(...parts) {
  const whole = new Uint8ClampedArray(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((start, part) => { whole.set(part, start); return start + part.length; }, 0);
  return new Uint8Array(whole.buffer);
}

function grey(pictures) { // grey in [0, 1] as RGB, with the rounding of a clamped array
  const area = pictures[0].length, pixels = new Uint8ClampedArray(3 * area * pictures.length);
  pictures.forEach((picture, k) => picture.forEach((v, i) => pixels.fill(255 * v, 3 * (k * area + i), 3 * (k * area + i) + 3)));
  return new Uint8Array(pixels.buffer);
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
