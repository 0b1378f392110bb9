// Which part of the map is seen.

import { clamp } from "../shared.js";

const NEAREST = 120, MARGIN = 40; // zoom; pixels
export const STEP = 1.6; // zoom of one press

export function makeView(map, status) {
  const centreAt = (x, y) => Object.assign(map.view, { x: clamp(x, -0.1, 1.1), y: clamp(y, -0.1, 1.1) });

  function zoomAt(px, py, by) { // what is at this place on the screen stays there
    const [mx, my] = map.toMap(px, py), { view, side } = map;
    view.zoom = clamp(view.zoom * by, 1, NEAREST);
    centreAt(mx - (px - side / 2) / map.factor(), my - (py - side / 2) / map.factor());
    if (view.zoom === 1) view.x = view.y = 0.5;
    map.refresh();
    map.draw();
  }

  function pan(dx, dy) { // in pixels
    centreAt(map.view.x - dx / map.factor(), map.view.y - dy / map.factor());
    map.hover(-1);
    map.draw();
  }

  function whole() {
    map.view = { x: 0.5, y: 0.5, zoom: 1 };
    map.hover(-1);
    map.refresh();
    map.draw();
  }

  function bring(x, y) { // a place into the middle part of the canvas
    const [px, py] = map.toScreen(x, y);
    if (Math.min(px, py) < MARGIN || Math.max(px, py) > map.side - MARGIN) Object.assign(map.view, { x, y });
  }

  function reveal(i) {
    bring(map.layout().x[i], map.layout().y[i]);
    map.hovered = -1;
    map.hover(i);
    map.draw(); // the view may be another
    status.textContent = map.describe(i);
  }

  function goTo(i) {
    map.hidden.delete(map.points.labels[i]);
    map.refresh();
    reveal(i);
    map.pick(i);
  }

  return { zoomAt, pan, whole, bring, reveal, goTo };
}
