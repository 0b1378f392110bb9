// When to paint, and on what: the points on a canvas of their own, which most frames only copy, and the marks above them.

import { paintPoints, paintScale } from "./dots.js";
import { paintMarks } from "./marks.js";

export function makePainter(map, root) {
  const box = root.querySelector(".plot"), sheet = root.querySelector("canvas"), paper = sheet.getContext("2d");
  const ground = document.createElement("canvas"), ink = ground.getContext("2d");
  let waiting = 0, painted = false;

  function draw() { // points and marks
    painted = false;
    mark();
  }

  function mark() { // the marks alone: Chromium sends nothing to the server before the frame that follows a click, so it must be quick
    if (waiting) return; // at most once a frame
    waiting = requestAnimationFrame(() => { waiting = 0; if (map.points) paint(); });
  }

  function paint() {
    const ratio = window.devicePixelRatio || 1, side = (map.side = sheet.clientWidth), pixels = Math.round(side * ratio);
    if (!pixels) return; // out of sight: a canvas without pixels cannot be copied
    if (sheet.width !== pixels) {
      for (const canvas of [sheet, ground]) canvas.width = canvas.height = pixels;
      painted = false;
    }
    for (const context of [ink, paper]) context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(box);
    if (!painted) {
      paintPoints(map, ink, style);
      Object.assign(box.dataset, { points: map.points.n, tiles: map.tiled.size, zoom: map.view.zoom.toFixed(2) });
    }
    painted = true;
    paper.clearRect(0, 0, side, side);
    paper.drawImage(ground, 0, 0, side, side);
    paintMarks(map, paper, style);
    box.dataset.mine = map.data.mine ? String(map.data.mine) : "";
    map.placeTip();
  }

  function drawNow() {
    painted = false;
    paint();
  }

  sheet.savePicture = (wanted) => { // as it is shown, at more pixels than it has here
    const large = document.createElement("canvas"), context = large.getContext("2d"), style = getComputedStyle(box);
    const ratio = Math.max(1, wanted / map.side), beneath = document.createElement("canvas"), under = beneath.getContext("2d");
    for (const canvas of [large, beneath]) canvas.width = canvas.height = Math.round(map.side * ratio);
    for (const each of [context, under]) each.setTransform(ratio, 0, 0, ratio, 0, 0);
    paintPoints(map, under, style);
    context.fillStyle = getComputedStyle(sheet).backgroundColor;
    context.fillRect(0, 0, map.side, map.side);
    context.drawImage(beneath, 0, 0, map.side, map.side);
    paintMarks(map, context, style);
    if (map.data.colour !== "digit") paintScale(map, context, style);
    return large;
  };
  new ResizeObserver(draw).observe(sheet);
  return { draw, mark, drawNow };
}
