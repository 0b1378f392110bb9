// What the map knows and shows. One such object is shared by all its parts, each of which adds what it can do: painter.js
// draw and mark; tip.js hover; view.js zoomAt, pan, whole, bring, reveal, goTo; choice.js pick, take, clear, adopt;
// controls.js refresh, layLegend and layScale.

const FIT = 0.92; // of the canvas that the whole map fills
export const MOVE = "move", GROUPS = ["a", "b"]; // tools: one moves the map, one lasso for each group

export const makeState = () => ({
  data: null, // what Python says
  points: null, about: null, sprites: [], // what was fetched
  view: { x: 0.5, y: 0.5, zoom: 1 }, side: 1, // its middle on the map; the side of the canvas on the page
  tile: 0, tiled: new Set(), // the side of a picture, and the points that are drawn as one
  hidden: new Set(), groups: { a: new Set(), b: new Set() }, tool: MOVE, // hidden: labels
  hovered: -1, point: -1, lasso: null, // point: the chosen one; lasso: {group, path}

  layout() { return this.points.layouts[this.data.layout]; },
  factor() { return this.side * FIT * this.view.zoom; },
  toScreen(x, y) { return [(x - this.view.x) * this.factor() + this.side / 2, (y - this.view.y) * this.factor() + this.side / 2]; },
  toMap(px, py) { return [(px - this.side / 2) / this.factor() + this.view.x, (py - this.side / 2) / this.factor() + this.view.y]; },
  placeOf(i) { return this.toScreen(this.layout().x[i], this.layout().y[i]); },
  shows(i) { return !this.hidden.has(this.points.labels[i]); },
  anyGroup() { return GROUPS.some((name) => this.groups[name].size > 0); },
  called(label) { return this.data.noun === "digit" ? `Digit ${this.data.classes[label]}` : this.data.classes[label]; },
  describe(i) { return `${this.called(this.points.labels[i])}, number ${thousands(i)}`; },
});

export const thousands = (i) => i.toLocaleString("en");
