// The points as dots or, nearer in, as the pictures themselves, cut out of one sprite, and the names of the classes.

import { clamp } from "../shared.js";
import { landmarks, withRoom } from "./points.js";
import { GROUPS } from "./state.js";

const TILE = 28, SHEET = 100; // pixels of a picture, pictures in a row of the sprite: as in cvae/maps/latent_map.py
const PICTURES_FROM = 4; // zoom
const BINS = 32, BEYOND = 40; // BEYOND: pixels outside the canvas where a point may still reach into it

export const cut = (i) => [(i % SHEET) * TILE, Math.floor(i / SHEET) * TILE, TILE, TILE];

export function paintPoints(map, ink, style) {
  ink.clearRect(0, 0, map.side, map.side);
  const [palette, bin] = colours(map), paths = palette.map(() => []), seen = inView(map);
  for (const i of seen) paths[bin(i)].push(i);
  map.tile = map.view.zoom < PICTURES_FROM || !map.sprites[0] ? 0 : clamp(12 * Math.sqrt(map.view.zoom), 24, 56);
  map.tiled = map.tile ? withRoom(map, seen, map.tile + 6) : new Set();
  const radius = clamp(map.side / 330, 1.4, 2) * map.view.zoom ** 0.35;
  ink.globalAlpha = map.anyGroup() ? 0.35 : 1;
  paths.forEach((path, k) => dots(map, ink, path, radius, palette[k]));
  ink.globalAlpha = 1;
  for (const name of GROUPS) dots(map, ink, [...map.groups[name]].filter((i) => map.shows(i)), 2.4, map.data.groupColours[name]);
  map.tiled.forEach((i) => stamp(map, ink, i, palette[bin(i)]));
  if (!map.tile && map.data.colour === "digit") nameClasses(map, ink, style);
}

function colours({ data, points }) { // the colour of every bin, and a function that tells the bin of a point
  if (data.colour === "digit") return [data.palette, (i) => points.labels[i] % data.palette.length];
  const values = points.features[data.colour];
  return [Array.from({ length: BINS }, (_, bin) => mix(data.ramp, bin / (BINS - 1))), (i) => (values[i] * BINS) >> 8];
}

function mix(ramp, t) { // a colour between those of the ramp, t in [0, 1]
  const place = t * (ramp.length - 1), k = Math.min(ramp.length - 2, Math.floor(place)), part = place - k;
  const channel = (text, c) => parseInt(text.slice(1 + 2 * c, 3 + 2 * c), 16);
  return `rgb(${[0, 1, 2].map((c) => Math.round(channel(ramp[k], c) * (1 - part) + channel(ramp[k + 1], c) * part))})`;
}

function inView(map) {
  const { x, y } = map.layout(), f = map.factor(), { side, view } = map, seen = [];
  for (let i = 0; i < map.points.n; i++) {
    const px = (x[i] - view.x) * f + side / 2, py = (y[i] - view.y) * f + side / 2;
    if (Math.min(px, py) >= -BEYOND && Math.max(px, py) <= side + BEYOND && map.shows(i)) seen.push(i);
  }
  return seen;
}

function dots(map, ink, members, radius, colour) {
  ink.fillStyle = colour;
  ink.beginPath();
  for (const i of members) {
    const [px, py] = map.placeOf(i);
    ink.moveTo(px + radius, py);
    ink.arc(px, py, radius, 0, 7);
  }
  ink.fill();
}

function stamp(map, ink, i, colour) { // a picture in the colour of its point, in the frames of its groups
  const [px, py] = map.placeOf(i), frames = GROUPS.filter((name) => map.groups[name].has(i)).map((name) => map.data.groupColours[name]);
  [...frames, colour].forEach((shade, k) => {
    const half = map.tile / 2 + 2 + 3 * (frames.length - k);
    ink.fillStyle = shade;
    ink.fillRect(px - half, py - half, 2 * half, 2 * half);
  });
  ink.drawImage(map.sprites[0], ...cut(i), px - map.tile / 2, py - map.tile / 2, map.tile, map.tile);
}

function nameClasses(map, ink, style) {
  const { data, points } = map, places = (points.named ??= {});
  places[data.layout] ??= landmarks(map);
  ink.font = `600 17px ${style.fontFamily}`;
  ink.textAlign = "center";
  ink.textBaseline = "middle";
  ink.lineJoin = "round";
  ink.lineWidth = 5;
  [ink.strokeStyle, ink.fillStyle] = [style.getPropertyValue("--st-background-color"), style.color];
  places[data.layout].forEach((place, label) => {
    if (!place || map.hidden.has(label)) return;
    ink.strokeText(data.classes[label], ...map.toScreen(...place));
    ink.fillText(data.classes[label], ...map.toScreen(...place));
  });
}

export function paintScale({ data, about, side }, ink, style) { // for a picture that leaves the page: what its colours say
  const [low, high] = about.ranges[data.colour], texts = [`${data.colourName}: ${low}`, String(high)], [left, wide, line] = [12, 90, side - 18];
  ink.font = `13px ${style.fontFamily}`;
  [ink.textAlign, ink.textBaseline] = ["left", "middle"];
  const start = left + ink.measureText(texts[0]).width + 8, ramp = ink.createLinearGradient(start, 0, start + wide, 0);
  data.ramp.forEach((colour, k) => ramp.addColorStop(k / (data.ramp.length - 1), colour));
  ink.fillStyle = style.getPropertyValue("--st-background-color");
  ink.fillRect(left - 6, line - 13, start + wide + ink.measureText(texts[1]).width + 8, 26);
  ink.fillStyle = ramp;
  ink.fillRect(start, line - 5, wide, 10);
  ink.fillStyle = style.color;
  ink.fillText(texts[0], left, line);
  ink.fillText(texts[1], start + wide + 8, line);
}
