// The map: ten thousand points that answer to the pointer without asking anyone. Wheel and pinch zoom, a drag moves,
// a lasso takes a group; nearer in, points become the pictures themselves, cut out of one sprite, as many as have room.

import { mount, writeAddress } from "../bridge.js";
import { deflate, inflate, packBits, unpackBits } from "../codecs.js";
import { clamp, element } from "../shared.js";

const TILE = 28, SHEET = 100; // pixels of a picture, pictures in a row of the sprite: as in cvae/maps/latent_map.py
const FIT = 0.92; // of the canvas that the whole map fills
const NEAREST_ZOOM = 120, STEP_ZOOM = 1.6, PICTURES_FROM = 4; // zoom
const REACH = { mouse: 14, pen: 18, touch: 24 }; // pixels from a point that still count as on it
const BINS = 32;
const MOVE = "move", GROUPS = ["a", "b"];
const LANDMARK_CELLS = 14, PURE = 0.6, LONGEST_NAME = 14; // where the names of the classes stand
const AROUND = 50; // digits that the key L takes into a group

function unpackPoints(buffer, about) { // one array after the other: x and y of every layout, labels, features
  const n = about.count, layouts = {}, features = {};
  let at = 0;
  for (const name of about.layouts) {
    layouts[name] = { x: Float32Array.from(new Uint16Array(buffer, at, n), (v) => v / 65535),
      y: Float32Array.from(new Uint16Array(buffer, at + 2 * n, n), (v) => 1 - v / 65535) }; // down the screen
    at += 4 * n;
  }
  const labels = new Uint8Array(buffer, at, n);
  about.features.forEach((name, i) => { features[name] = new Uint8Array(buffer, at + n * (i + 1), n); });
  return { n, layouts, labels, features };
}

function inside(polygon, x, y) { // even-odd rule
  let odd = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i], [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

function create(root, host) {
  const box = root.querySelector(".plot"), sheet = root.querySelector("canvas"), paper = sheet.getContext("2d");
  const tip = root.querySelector(".tip"), status = root.querySelector(".status"), legend = root.querySelector(".legend");
  const scale = root.querySelector(".scale"), tools = root.querySelector(".tools");
  const ground = document.createElement("canvas"), ink = ground.getContext("2d"); // the points, without the marks above them
  let data, points = null, about = null, sprites = [], loaded = "";
  let view = { x: 0.5, y: 0.5, zoom: 1 }, side = 1, waiting = 0, painted = false, tile = 0, tiled = new Set(), named = {};
  let hidden = new Set(), groups = { a: new Set(), b: new Set() }, tool = MOVE;
  let hovered = -1, point = -1, known = "", lasso = null;

  const layout = () => points.layouts[data.layout];
  const factor = () => side * FIT * view.zoom;
  const toScreen = (x, y) => [(x - view.x) * factor() + side / 2, (y - view.y) * factor() + side / 2];
  const toMap = (px, py) => [(px - side / 2) / factor() + view.x, (py - side / 2) / factor() + view.y];
  const shows = (i) => !hidden.has(points.labels[i]);

  function draw() { // points and marks
    painted = false;
    mark();
  }

  function mark() { // the marks alone: Chromium sends nothing to the server before the frame that follows a click, so it must be quick
    waiting ||= requestAnimationFrame(() => { waiting = 0; if (points) paint(); }); // at most once a frame
  }

  function colours() { // the colour of every bin, and a function that tells the bin of a point
    if (data.colour === "digit") return [data.palette, (i) => points.labels[i] % data.palette.length];
    const values = points.features[data.colour], ramp = data.ramp;
    return [Array.from({ length: BINS }, (_, bin) => mix(ramp, bin / (BINS - 1))), (i) => (values[i] * BINS) >> 8];
  }

  function paint() {
    const ratio = window.devicePixelRatio || 1;
    side = sheet.clientWidth;
    const pixels = Math.round(side * ratio);
    if (!pixels) return; // out of sight: a canvas without pixels cannot be copied
    if (sheet.width !== pixels) {
      for (const canvas of [sheet, ground]) canvas.width = canvas.height = pixels;
      painted = false;
    }
    for (const context of [ink, paper]) context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!painted) paintPoints();
    painted = true;
    paper.clearRect(0, 0, side, side);
    paper.drawImage(ground, 0, 0, side, side);
    if (lasso) outline();
    paintMarks();
    placeTip();
  }

  function paintPoints() {
    ink.clearRect(0, 0, side, side);
    const { x, y } = layout(), [palette, bin] = colours(), f = factor();
    const members = groups.a.size + groups.b.size > 0, paths = palette.map(() => []), seen = [];
    for (let i = 0; i < points.n; i++) {
      const px = (x[i] - view.x) * f + side / 2, py = (y[i] - view.y) * f + side / 2;
      if (px < -40 || py < -40 || px > side + 40 || py > side + 40 || !shows(i)) continue;
      paths[bin(i)].push(i);
      seen.push(i);
    }
    tile = view.zoom < PICTURES_FROM || !sprites[0] ? 0 : clamp(12 * Math.sqrt(view.zoom), 24, 56);
    tiled = tile ? withRoom(seen, tile + 6) : new Set();
    dots(paths, palette, clamp(side / 330, 1.4, 2) * view.zoom ** 0.35, members);
    for (const name of GROUPS) ringDots(groups[name], data.groupColours[name]);
    tiled.forEach((i) => stamp(i, palette[bin(i)], GROUPS.filter((name) => groups[name].has(i)).map((name) => data.groupColours[name])));
    if (!tile && data.colour === "digit") nameClasses();
    Object.assign(box.dataset, { points: points.n, tiles: tiled.size, zoom: view.zoom.toFixed(2) });
  }

  function withRoom(seen, room) { // of those in view, as many as can stand at `room` pixels from one another
    const f = factor(), kept = new Set(), cells = new Map(); // cells of the map, not of the screen: moving it changes nothing
    for (const i of seen.includes(point) ? [point, ...seen] : seen) { // the chosen one first
      const x = layout().x[i] * f, y = layout().y[i] * f, column = Math.floor(x / room), row = Math.floor(y / room);
      let free = true;
      for (let c = column - 1; c <= column + 1; c++) for (let r = row - 1; r <= row + 1; r++) {
        const other = cells.get(`${c},${r}`);
        if (other && Math.abs(other[0] - x) < room && Math.abs(other[1] - y) < room) free = false;
      }
      if (!free) continue;
      cells.set(`${column},${row}`, [x, y]);
      kept.add(i);
    }
    return kept;
  }

  function landmarks() { // for each class the cell that holds most of it and few others: its name stands in their middle
    const { x, y } = layout(), kinds = data.classes.length, n = LANDMARK_CELLS, counts = new Uint16Array(n * n * kinds);
    const cell = (i) => Math.min(n - 1, Math.floor(x[i] * n)) + n * Math.min(n - 1, Math.floor(y[i] * n));
    for (let i = 0; i < points.n; i++) counts[cell(i) * kinds + points.labels[i]]++;
    return data.classes.map((name, label) => {
      let best = -1, most = 0;
      for (let k = 0; k < n * n; k++) {
        const own = counts[k * kinds + label], all = counts.subarray(k * kinds, (k + 1) * kinds).reduce((a, b) => a + b, 0);
        if (own > most && own > PURE * all) { most = own; best = k; }
      }
      let sx = 0, sy = 0;
      for (let i = 0; i < points.n; i++) if (points.labels[i] === label && cell(i) === best) { sx += x[i]; sy += y[i]; }
      return best < 0 || name.length > LONGEST_NAME ? null : [sx / most, sy / most];
    });
  }

  function nameClasses() {
    const style = getComputedStyle(box);
    named[data.layout] ??= landmarks();
    ink.font = `600 17px ${style.fontFamily}`;
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    ink.lineJoin = "round";
    ink.lineWidth = 5;
    [ink.strokeStyle, ink.fillStyle] = [style.getPropertyValue("--st-background-color"), style.color];
    named[data.layout].forEach((place, label) => {
      if (!place || hidden.has(label)) return;
      ink.strokeText(data.classes[label], ...toScreen(...place));
      ink.fillText(data.classes[label], ...toScreen(...place));
    });
  }

  function dots(paths, palette, radius, members) {
    ink.globalAlpha = members ? 0.35 : 0.85;
    paths.forEach((path, k) => {
      ink.fillStyle = palette[k];
      ink.beginPath();
      for (const i of path) {
        const [px, py] = toScreen(layout().x[i], layout().y[i]);
        ink.moveTo(px + radius, py);
        ink.arc(px, py, radius, 0, 7);
      }
      ink.fill();
    });
    ink.globalAlpha = 1;
  }

  const cut = (i) => [(i % SHEET) * TILE, Math.floor(i / SHEET) * TILE, TILE, TILE];
  function stamp(i, colour, frames) { // a picture in the colour of its point, in the frames of its groups
    const [px, py] = toScreen(layout().x[i], layout().y[i]);
    [...frames, colour].forEach((shade, k) => {
      const half = tile / 2 + 2 + 3 * (frames.length - k);
      ink.fillStyle = shade;
      ink.fillRect(px - half, py - half, 2 * half, 2 * half);
    });
    ink.drawImage(sprites[0], ...cut(i), px - tile / 2, py - tile / 2, tile, tile);
  }

  function ringDots(members, colour) {
    ink.fillStyle = colour;
    ink.beginPath();
    members.forEach((i) => {
      if (!shows(i)) return;
      const [px, py] = toScreen(layout().x[i], layout().y[i]);
      ink.moveTo(px + 2.4, py);
      ink.arc(px, py, 2.4, 0, 7);
    });
    ink.fill();
  }

  function outline() {
    paper.strokeStyle = data.groupColours[lasso.group];
    paper.fillStyle = data.groupColours[lasso.group] + "22";
    paper.lineWidth = 2;
    paper.beginPath();
    lasso.path.forEach(([x, y]) => paper.lineTo(...toScreen(x, y)));
    paper.closePath();
    paper.fill();
    paper.stroke();
  }

  function paintMarks() {
    const style = getComputedStyle(box), rim = [style.getPropertyValue("--st-background-color"), style.color];
    const ring = (i, grows, width) => { // dark and light, so that it stands out from any picture
      if (!shows(i)) return;
      const [px, py] = toScreen(layout().x[i], layout().y[i]), radius = grows + (tiled.has(i) ? tile / 2 + 4 : 7);
      paper.beginPath();
      tiled.has(i) ? paper.rect(px - radius, py - radius, 2 * radius, 2 * radius) : paper.arc(px, py, radius, 0, 7);
      rim.forEach((colour, k) => {
        paper.strokeStyle = colour;
        paper.lineWidth = width + (k ? 0 : 2);
        paper.stroke();
      });
    };
    const chosen = data.own ? -1 : point; // beside a drawing only what is near it counts
    if (chosen >= 0 || data.own) data.near.forEach((i) => ring(i, -2, 1.2));
    if (hovered >= 0 && hovered !== chosen) ring(hovered, 0, 1.5);
    if (chosen >= 0) ring(chosen, 1, 3);
    if (data.mine) { // a pin over the place of the drawing
      const [px, py] = toScreen(data.mine[0], 1 - data.mine[1]);
      paper.fillStyle = "#e8590c";
      paper.strokeStyle = "#fff";
      paper.lineWidth = 2;
      paper.beginPath();
      paper.moveTo(px, py);
      paper.bezierCurveTo(px - 4, py - 12, px - 12, py - 16, px - 12, py - 25);
      paper.arc(px, py - 25, 12, Math.PI, 0);
      paper.bezierCurveTo(px + 12, py - 16, px + 4, py - 12, px, py);
      paper.fill();
      paper.stroke();
      paper.fillStyle = "#fff";
      paper.beginPath();
      paper.arc(px, py - 25, 4.5, 0, 7);
      paper.fill();
    }
    box.dataset.mine = data.mine ? String(data.mine) : "";
  }

  function nearestTo(px, py, reach) {
    const { x, y } = layout(), f = factor(), [mx, my] = toMap(px, py), half = (tile / 2 + 2) / f;
    for (const i of tiled) if (Math.abs(x[i] - mx) <= half && Math.abs(y[i] - my) <= half) return i; // all of a picture answers
    let best = -1, least = (reach / f) ** 2;
    for (let i = 0; i < points.n; i++) {
      const distance = (x[i] - mx) ** 2 + (y[i] - my) ** 2;
      if (distance < least && shows(i)) { least = distance; best = i; }
    }
    return best;
  }

  const thousands = (i) => i.toLocaleString("en");
  const called = (label) => (data.noun === "digit" ? `Digit ${data.classes[label]}` : data.classes[label]);
  const describe = (i) => `${called(points.labels[i])}, number ${thousands(i)}`;
  function hover(i) { // the picture at once, from the sprite
    if (i === hovered) return;
    hovered = i;
    box.dataset.hovered = i;
    mark();
    if (i < 0 || !sprites[0]) { tip.hidden = true; return; }
    tip.querySelectorAll("canvas").forEach((canvas, k) => {
      canvas.hidden = !sprites[k];
      if (sprites[k]) canvas.getContext("2d").drawImage(sprites[k], ...cut(i), 0, 0, TILE, TILE);
    });
    tip.querySelector("p").textContent = describe(i);
    placeTip();
  }

  function placeTip() { // beside its point wherever that goes; none where it is out of view
    const [px, py] = hovered < 0 ? [-1, -1] : toScreen(layout().x[hovered], layout().y[hovered]);
    tip.hidden = !sprites[0] || Math.min(px, py) < 0 || Math.max(px, py) > side || !shows(hovered);
    if (tip.hidden) return;
    const wide = tip.offsetWidth, high = tip.offsetHeight;
    tip.style.left = `${clamp(px + (px > side - wide - 24 ? -wide - 18 : 18), 4, side - wide - 4)}px`;
    tip.style.top = `${clamp(py - high / 2, 4, Math.max(4, side - high - 4))}px`;
  }

  async function tell() { // the address first
    const number = host.next(), chosen = { point: point < 0 ? "" : String(point) };
    for (const name of GROUPS) chosen[name] = groups[name].size ? await deflate(packBits(groups[name], points.n)) : "";
    if (!host.isLatest(number)) return; // overtaken
    writeAddress(chosen);
    known = JSON.stringify(chosen);
    host.send("chosen", chosen, number);
  }

  function pick(i) { // -1: none
    point = i;
    status.textContent = i < 0 ? "" : describe(i);
    tile ? draw() : mark();
    tell();
  }

  function take(name, members) {
    const called = `Group ${name.toUpperCase()}`;
    if (!members.length) {
      status.textContent = `The lasso held no points, so ${called} ${groups[name].size ? "is as it was" : "is empty"}: draw it around some.`;
      return mark();
    }
    groups[name] = new Set(members);
    status.textContent = `${called}: ${thousands(members.length)} ${data.noun}s.`;
    refresh();
    draw();
    tell();
  }

  function zoomAt(px, py, by) {
    const [mx, my] = toMap(px, py);
    view.zoom = clamp(view.zoom * by, 1, NEAREST_ZOOM);
    view.x = clamp(mx - (px - side / 2) / factor(), -0.1, 1.1);
    view.y = clamp(my - (py - side / 2) / factor(), -0.1, 1.1);
    if (view.zoom === 1) view.x = view.y = 0.5;
    refresh();
    draw();
  }

  // pointers: one moves the map, draws the lasso or picks; two pinch
  const held = new Map();
  let pressed = null;
  const place = (event) => { const r = sheet.getBoundingClientRect(); return [event.clientX - r.left, event.clientY - r.top]; };
  sheet.onpointerdown = (event) => {
    if (event.button || !points) return;
    sheet.setPointerCapture(event.pointerId);
    held.set(event.pointerId, place(event));
    if (held.size === 2) { lasso = null; pressed = null; return; }
    pressed = { at: place(event), moved: false };
    const group = event.shiftKey ? "a" : tool;
    if (group === MOVE) return;
    hover(-1); // its picture would hide what the lasso goes round
    lasso = { group, path: [toMap(...pressed.at)] };
  };
  sheet.onpointermove = (event) => {
    if (!points) return;
    const at = place(event), before = held.get(event.pointerId);
    if (!before) return hover(nearestTo(...at, REACH.mouse));
    held.set(event.pointerId, at);
    if (held.size === 2) {
      const other = [...held].find(([id]) => id !== event.pointerId)[1];
      const spread = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]);
      return zoomAt((at[0] + other[0]) / 2, (at[1] + other[1]) / 2, spread(at) / Math.max(1, spread(before)));
    }
    if (pressed && Math.hypot(at[0] - pressed.at[0], at[1] - pressed.at[1]) > 5) pressed.moved = true;
    if (lasso) {
      lasso.path.push(toMap(...at));
      mark();
    } else if (pressed?.moved) {
      view.x = clamp(view.x - (at[0] - before[0]) / factor(), -0.1, 1.1);
      view.y = clamp(view.y - (at[1] - before[1]) / factor(), -0.1, 1.1);
      hover(-1);
      draw();
    }
  };
  sheet.onpointerup = sheet.onpointercancel = (event) => {
    if (!held.delete(event.pointerId)) return;
    const drawn = lasso, was = pressed;
    lasso = pressed = null;
    if (event.type === "pointercancel" || !was) return mark();
    if (drawn && was.moved) {
      const { x, y } = layout(), members = [];
      for (let i = 0; i < points.n; i++) if (shows(i) && inside(drawn.path, x[i], y[i])) members.push(i);
      return take(drawn.group, members);
    }
    if (was.moved) return;
    mark(); // without the lasso that never was one
    const found = nearestTo(...place(event), REACH[event.pointerType] ?? REACH.mouse);
    hover(found);
    if (found >= 0 || point >= 0) pick(found); // beside the points: choose none
  };
  sheet.onpointerleave = (event) => { if (!held.size && event.pointerType !== "touch") hover(-1); }; // a finger that tapped has left
  sheet.addEventListener("wheel", (event) => {
    if (!points || (view.zoom === 1 && event.deltaY > 0)) return; // it scrolls the page
    event.preventDefault();
    hover(-1);
    zoomAt(...place(event), 2 ** (-event.deltaY * (event.deltaMode ? 0.05 : 0.002)));
  }, { passive: false });

  // keys: arrows go from point to point, Enter selects
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function neighbour([dx, dy]) { // the nearest visible point that lies in this direction
    const { x, y } = layout(), from = hovered >= 0 ? hovered : point;
    const [fx, fy] = from >= 0 ? [x[from], y[from]] : [view.x, view.y];
    let best = -1, least = Infinity;
    for (let i = 0; i < points.n; i++) {
      if (i === from || !shows(i)) continue;
      const ahead = (x[i] - fx) * dx + (y[i] - fy) * dy, aside = Math.abs((x[i] - fx) * dy) + Math.abs((y[i] - fy) * dx);
      if (from >= 0 && (ahead <= 0 || aside > ahead || ahead * factor() < 6)) continue; // not what lies under this one
      const distance = Math.hypot(ahead, aside);
      if (distance < least) { least = distance; best = i; }
    }
    return best;
  }
  function bring(x, y) { // a place into the middle part of the canvas
    const [px, py] = toScreen(x, y);
    if (Math.min(px, py) < 40 || Math.max(px, py) > side - 40) [view.x, view.y] = [x, y];
  }
  function reveal(i) {
    bring(layout().x[i], layout().y[i]);
    hovered = -1;
    hover(i);
    draw(); // the view may be another
    status.textContent = describe(i);
  }
  function around(i) { // the digits next to one on the map
    const { x, y } = layout(), all = Array.from({ length: points.n }, (_, k) => k).filter(shows);
    const distance = (k) => (x[k] - x[i]) ** 2 + (y[k] - y[i]) ** 2;
    return all.sort((k, l) => distance(k) - distance(l)).slice(0, AROUND);
  }
  const centre = () => (hovered >= 0 ? toScreen(layout().x[hovered], layout().y[hovered]) : [side / 2, side / 2]);
  const whole = () => { view = { x: 0.5, y: 0.5, zoom: 1 }; hover(-1); refresh(); draw(); };
  function goTo(i) {
    hidden.delete(points.labels[i]);
    refresh();
    reveal(i);
    pick(i);
  }
  document.addEventListener("click", function follow(event) { // the neighbours beside the map are links to their points
    if (!box.isConnected) return document.removeEventListener("click", follow);
    const link = event.target.closest?.("a[href^='#digit-']"), i = Number(link?.hash.slice(7));
    if (!link || !(points && i < points.n)) return;
    event.preventDefault();
    goTo(i);
  });
  const keys = {
    "+": () => zoomAt(...centre(), STEP_ZOOM), "=": () => zoomAt(...centre(), STEP_ZOOM), "-": () => zoomAt(...centre(), 1 / STEP_ZOOM),
    Home: whole, Enter: () => hovered >= 0 && pick(hovered), " ": () => hovered >= 0 && pick(hovered),
    l: () => hovered >= 0 && take(tool === "b" ? "b" : "a", around(hovered)), Escape: () => (GROUPS.some((g) => groups[g].size) ? clear() : point >= 0 && pick(-1)),
  };
  sheet.onkeydown = (event) => {
    if (!points || event.ctrlKey || event.altKey || event.metaKey) return;
    const way = ways[event.key], act = keys[event.key];
    if (!way && !act) return;
    event.preventDefault();
    if (act) return act();
    const next = neighbour(way);
    if (next >= 0) reveal(next);
  };
  sheet.onblur = () => hover(-1);

  function clear() {
    groups = { a: new Set(), b: new Set() };
    status.textContent = "No group is selected.";
    refresh();
    draw();
    tell();
  }

  const button = (text, label, action) => {
    const made = element("button", { type: "button", ...(label ? { "aria-label": label, title: label } : {}) }, text);
    made.onclick = action;
    return made;
  };
  const choose = (name) => () => { tool = name; refresh(); };
  const modes = { [MOVE]: button("Move", "", choose(MOVE)), a: button("Lasso A", "", choose("a")), b: button("Lasso B", "", choose("b")) };
  const clearing = button("Clear", "Clear both groups", clear);
  const zooms = [["+", "Zoom in", STEP_ZOOM], ["\u2212", "Zoom out", 1 / STEP_ZOOM]];
  root.querySelector(".zoom").replaceChildren(...zooms.map(([sign, name, by]) => button(sign, name, () => zoomAt(side / 2, side / 2, by))));
  const input = element("input", { type: "text", inputmode: "numeric", size: 6, placeholder: "Number", "aria-label": "Go to the picture of this number" });
  const search = element("form", { class: "group" }, input, element("button", { type: "submit" }, "Go"));
  search.onsubmit = (event) => {
    event.preventDefault();
    const text = input.value.replaceAll(/[\s,]/g, ""), i = Number(text);
    if (!points || !/^\d+$/.test(text) || i >= points.n) {
      status.textContent = points ? `Type a whole number from 0 to ${thousands(points.n - 1)}.` : "";
      return;
    }
    view = { x: layout().x[i], y: layout().y[i], zoom: Math.max(view.zoom, 6) };
    goTo(i);
  };
  const group = (name, ...parts) => element("div", { class: "group", role: "group", "aria-label": name }, ...parts);
  tools.replaceChildren(group("Tool", ...Object.values(modes)), group("Groups", clearing), group("View", button("Whole map", "", whole)), search);

  let chips = [];
  function layLegend() {
    chips = data.classes.map((name, label) => {
      const chip = button(name, `${called(label)}: show or hide`, () => { hidden.has(label) ? hidden.delete(label) : hidden.add(label); hover(-1); refresh(); draw(); });
      chip.prepend(element("span", { class: "dot", style: `background:${data.palette[label % data.palette.length]}` }));
      return chip;
    });
    legend.replaceChildren(...chips);
  }
  function refresh() {
    Object.entries(modes).forEach(([name, made]) => made.setAttribute("aria-pressed", name === tool));
    clearing.disabled = !GROUPS.some((name) => groups[name].size);
    chips.forEach((chip, label) => chip.setAttribute("aria-pressed", !hidden.has(label)));
    sheet.style.cursor = tool === MOVE ? "" : "crosshair";
    sheet.style.touchAction = tool === MOVE && view.zoom === 1 ? "pan-y" : "none"; // a finger scrolls past a map that it cannot move
  }
  function layScale() {
    scale.hidden = data.colour === "digit";
    box.dataset.colour = data.colour;
    if (scale.hidden || !about) return;
    const [low, high] = about.ranges[data.colour];
    const bar = element("span", { class: "ramp", style: `background:linear-gradient(90deg,${data.ramp})` });
    scale.replaceChildren(element("span", {}, `${data.colourName} ${low}`), bar, element("span", {}, String(high)));
  }

  async function load() {
    const wanted = data.points;
    loaded = wanted;
    hover(-1);
    points = null;
    sprites = [];
    named = {};
    const reply = await fetch(wanted).catch(() => null);
    if (loaded !== wanted) return;
    if (reply?.headers.get("Content-Type") !== "application/octet-stream") {
      status.textContent = reply?.status === 400 ? await reply.text() : "The points did not come. Reload the page to try again.";
      return;
    }
    about = JSON.parse(reply.headers.get("X-About"));
    points = unpackPoints(await reply.arrayBuffer(), about);
    layScale();
    await adopt();
    painted = false;
    paint();
    const found = data.sprites.map((address) => fetch(address).then((r) => r.blob()).then(createImageBitmap).catch(() => null));
    for (let k = 0; k < found.length; k++) {
      const sprite = await found[k];
      if (loaded === wanted) sprites[k] = sprite;
    }
    box.dataset.sprites = sprites.filter(Boolean).length;
    const pointed = hovered; // at a point without a picture as yet
    hover(-1);
    hover(pointed);
    draw();
  }

  async function adopt() { // what Python or a link chose
    point = data.chosen.point === "" ? -1 : Number(data.chosen.point);
    for (const name of GROUPS) groups[name] = new Set(unpackBits(await inflate(data.chosen[name])));
    refresh();
  }

  function update(fresh, differs) {
    const first = !data;
    data = fresh;
    if (differs("label")) sheet.setAttribute("aria-label", `${data.label} Arrow keys go from ${data.noun} to ${data.noun}, Enter selects one, L takes ` +
      "those around it into a group, Escape clears the groups and then the choice; plus, minus and Home change the view.");
    if (differs("classes", "palette")) layLegend();
    if (differs("colour", "points")) layScale();
    if (differs("layout") && !first) whole();
    root.querySelectorAll(".axis").forEach((axis, k) => { axis.textContent = data.axes[k] ?? ""; });
    const elsewhere = JSON.stringify(data.chosen) !== known;
    known = JSON.stringify(data.chosen);
    refresh();
    if (differs("points")) return load();
    if (points && elsewhere) adopt().then(draw);
    if (points && data.mine && differs("mine")) {
      bring(data.mine[0], 1 - data.mine[1]);
      painted = false;
    }
    differs("layout", "colour") ? draw() : mark();
  }

  new ResizeObserver(draw).observe(sheet);
  return { update };
}

function mix(ramp, t) { // a colour between those of the ramp, t in [0, 1]
  const place = t * (ramp.length - 1), k = Math.min(ramp.length - 2, Math.floor(place)), part = place - k;
  const channel = (text, c) => parseInt(text.slice(1 + 2 * c, 3 + 2 * c), 16);
  return `rgb(${[0, 1, 2].map((c) => Math.round(channel(ramp[k], c) * (1 - part) + channel(ramp[k + 1], c) * part))})`;
}

export default mount("plot", create);
