// What a drawing is made of: strokes that become a bitmap, and the place where they outlive a page.

import { packBits } from "../codecs.js";
import { clamp } from "../shared.js";

const FINE = 3; // samples along a side of each square of the grid
const MOST = 500_000; // characters of a drawing that is kept: some minutes of a pen that never rests

// The bitmap (grid, grid) of a pad of `side` pixels: a square is set where ink covers most of its samples.
// It is computed here, for browsers that resist fingerprinting hand out noise, or white, as the pixels of a canvas.
export function makeBitmap(grid, side) {
  const n = FINE * grid, scale = n / side, samples = new Uint8Array(n * n);
  const range = (a, b, reach) => [
    clamp(Math.floor(Math.min(a, b) - reach), 0, n),
    clamp(Math.ceil(Math.max(a, b) + reach), 0, n),
  ];

  function sweep(a, b, radius, value) { // a round pen along one line, in samples
    const [ax, ay] = a, dx = b[0] - ax, dy = b[1] - ay, square = dx * dx + dy * dy || 1;
    const [left, right] = range(ax, b[0], radius), [top, bottom] = range(ay, b[1], radius);
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const x = column + 0.5 - ax, y = row + 0.5 - ay, t = clamp((x * dx + y * dy) / square, 0, 1);
        if ((x - t * dx) ** 2 + (y - t * dy) ** 2 <= radius * radius) samples[row * n + column] = value;
      }
    }
  }

  function mark({ points, width, erase }, from) { // the points of one stroke from this index on
    const places = points.slice(Math.max(0, from - 1)).map((point) => point.map((v) => v * scale));
    for (let i = 1; i < places.length; i++) sweep(places[i - 1], places[i], (width / 2) * scale, erase ? 0 : 1);
  }

  function lay(bytes) { // instead of all that was there
    samples.fill(0);
    for (let i = 0; i < n * n; i++) {
      const place = Math.floor(i / n / FINE) * grid + Math.floor((i % n) / FINE);
      if (bytes && bytes[place >> 3] & (128 >> (place & 7))) samples[i] = 1;
    }
  }

  function bits() {
    const counts = new Uint8Array(grid * grid), places = [];
    for (let i = 0; i < n * n; i++) counts[Math.floor(i / n / FINE) * grid + Math.floor((i % n) / FINE)] += samples[i];
    counts.forEach((count, place) => { if (2 * count > FINE * FINE) places.push(place); });
    return packBits(places, grid * grid);
  }

  return { mark, lay, bits };
}

// Whether what a tab remembers is a drawing with these sizes of the pen: another version of the app may have left anything.
export function isDrawing(kept, sizes) {
  const isPath = (path) => path.clear === true || (path.width > 0 && path.points.length > 1 && path.points.every(isPoint));
  const isPoint = (point) => point.length === 2 && point.every(Number.isFinite);
  try {
    const { base, strokes, undone, size, erasing } = kept;
    const isSize = Number.isInteger(size) && size >= 0 && size < sizes.length;
    return typeof base === "string" && isSize && typeof erasing === "boolean" && strokes.every(isPath) && undone.every(isPath);
  } catch { return false; }
}

// What this tab remembers under a name, through changes of page and reloads; another tab has its own. Where a browser
// keeps nothing, or has no room left, there is nothing to remember.
export function makeMemory(name) {
  const quietly = (action) => { try { return action(); } catch { return null; } };
  return {
    recall: () => quietly(() => JSON.parse(sessionStorage.getItem(name))),
    keep: (thing) => quietly(() => {
      const text = JSON.stringify(thing);
      sessionStorage.removeItem(name); // rather nothing than an older drawing
      if (text.length <= MOST) sessionStorage.setItem(name, text);
    }),
  };
}
