// Ten thousand points, and questions about where they are.

const LANDMARK_CELLS = 14, PURE = 0.6, LONGEST_NAME = 14; // where the names of the classes stand

export function unpackPoints(buffer, about) { // one array after the other: x and y of every layout, labels, features
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

export function within(map, polygon) { // the visible points in a lasso
  const { x, y } = map.layout(), members = [];
  for (let i = 0; i < map.points.n; i++) if (map.shows(i) && inside(polygon, x[i], y[i])) members.push(i);
  return members;
}

export function nearestTo(map, px, py, reach) { // the visible point within reach of a place on the screen, -1 for none
  const { x, y } = map.layout(), f = map.factor(), [mx, my] = map.toMap(px, py), half = (map.tile / 2 + 2) / f;
  for (const i of map.tiled) if (Math.abs(x[i] - mx) <= half && Math.abs(y[i] - my) <= half) return i; // all of a picture answers
  let best = -1, least = (reach / f) ** 2;
  for (let i = 0; i < map.points.n; i++) {
    const distance = (x[i] - mx) ** 2 + (y[i] - my) ** 2;
    if (distance < least && map.shows(i)) { least = distance; best = i; }
  }
  return best;
}

export function neighbour(map, [dx, dy]) { // the nearest visible point that lies in this direction, -1 for none
  const { x, y } = map.layout(), from = map.hovered >= 0 ? map.hovered : map.point;
  const [fx, fy] = from >= 0 ? [x[from], y[from]] : [map.view.x, map.view.y];
  let best = -1, least = Infinity;
  for (let i = 0; i < map.points.n; i++) {
    if (i === from || !map.shows(i)) continue;
    const ahead = (x[i] - fx) * dx + (y[i] - fy) * dy, aside = Math.abs((x[i] - fx) * dy) + Math.abs((y[i] - fy) * dx);
    if (from >= 0 && (ahead <= 0 || aside > ahead || ahead * map.factor() < 6)) continue; // not what lies under this one
    const distance = Math.hypot(ahead, aside);
    if (distance < least) { least = distance; best = i; }
  }
  return best;
}

export function around(map, i, count) { // the visible points next to one on the map
  const { x, y } = map.layout(), all = Array.from({ length: map.points.n }, (_, k) => k).filter((k) => map.shows(k));
  const distance = (k) => (x[k] - x[i]) ** 2 + (y[k] - y[i]) ** 2;
  return all.sort((k, l) => distance(k) - distance(l)).slice(0, count);
}

export function withRoom(map, seen, room) { // of those in view, as many as can stand at `room` pixels from one another
  const { x, y } = map.layout(), f = map.factor();
  const kept = new Set(), cells = new Map(); // cells of the map, not of the screen: moving it changes nothing
  for (const i of seen.includes(map.point) ? [map.point, ...seen] : seen) { // the chosen one first
    const px = x[i] * f, py = y[i] * f, column = Math.floor(px / room), row = Math.floor(py / room);
    let free = true;
    for (let c = column - 1; c <= column + 1; c++) for (let r = row - 1; r <= row + 1; r++) {
      const other = cells.get(`${c},${r}`);
      if (other && Math.abs(other[0] - px) < room && Math.abs(other[1] - py) < room) free = false;
    }
    if (!free) continue;
    cells.set(`${column},${row}`, [px, py]);
    kept.add(i);
  }
  return kept;
}

export function landmarks(map) { // for each class the cell that holds most of it and few others: its name stands in their middle
  const { n, labels } = map.points, { x, y } = map.layout(), kinds = map.data.classes.length;
  const cells = LANDMARK_CELLS, counts = new Uint16Array(cells * cells * kinds);
  const column = (v) => Math.min(cells - 1, Math.floor(v * cells)), cell = (i) => column(x[i]) + cells * column(y[i]);
  for (let i = 0; i < n; i++) counts[cell(i) * kinds + labels[i]]++;
  return map.data.classes.map((name, label) => {
    let best = -1, most = 0;
    for (let k = 0; k < cells * cells; k++) {
      const own = counts[k * kinds + label], all = counts.subarray(k * kinds, (k + 1) * kinds).reduce((a, b) => a + b, 0);
      if (own > most && own > PURE * all) { most = own; best = k; }
    }
    let sx = 0, sy = 0;
    for (let i = 0; i < n; i++) if (labels[i] === label && cell(i) === best) { sx += x[i]; sy += y[i]; }
    return best < 0 || name.length > LONGEST_NAME ? null : [sx / most, sy / most];
  });
}
