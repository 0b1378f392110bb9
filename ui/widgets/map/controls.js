// The buttons around the map: tools, zoom, the search by number, the legend, and the scale of a colour.

import { button, element, group } from "../shared.js";
import { MOVE, thousands } from "./state.js";
import { STEP } from "./view.js";

const NEAR = 6; // zoom at least where a number was asked for

export function makeControls(map, root, status) {
  const sheet = root.querySelector("canvas"), legend = root.querySelector(".legend");
  const choose = (name) => () => { map.tool = name; refresh(); };
  const tools = { [MOVE]: button("Move", choose(MOVE)), a: button("Lasso A", choose("a")), b: button("Lasso B", choose("b")) };
  const clearing = button("Clear", () => map.clear(), { "aria-label": "Clear both groups", title: "Clear both groups" });
  let chips = [];

  const bar = [group("Tool", ...Object.values(tools)), group("Groups", clearing), group("View", button("Whole map", () => map.whole()))];
  root.querySelector(".tools").replaceChildren(...bar, makeSearch(map, status));
  const zooms = [["+", "Zoom in", STEP], ["\u2212", "Zoom out", 1 / STEP]];
  root.querySelector(".zoom").replaceChildren(...zooms.map(([sign, name, by]) =>
    button(sign, () => map.zoomAt(map.side / 2, map.side / 2, by), { "aria-label": name, title: name })));

  function toggle(label) {
    if (!map.hidden.delete(label)) map.hidden.add(label);
    map.hover(-1);
    refresh();
    map.draw();
  }

  function layLegend() {
    const { classes, palette } = map.data;
    chips = classes.map((name, label) => {
      const says = `${map.called(label)}: show or hide`;
      const chip = button(name, () => toggle(label), { "aria-label": says, title: says });
      chip.prepend(element("span", { class: "dot", style: `background:${palette[label % palette.length]}` }));
      return chip;
    });
    legend.replaceChildren(...chips);
  }

  function refresh() { // all that shows the state
    for (const [name, tool] of Object.entries(tools)) tool.setAttribute("aria-pressed", name === map.tool);
    clearing.disabled = !map.anyGroup();
    chips.forEach((chip, label) => chip.setAttribute("aria-pressed", !map.hidden.has(label)));
    sheet.style.cursor = map.tool === MOVE ? "" : "crosshair";
    sheet.style.touchAction = map.tool === MOVE && map.view.zoom === 1 ? "pan-y" : "none"; // a finger scrolls past a map that it cannot move
  }

  return { refresh, layLegend, layScale: () => layScale(map, root) };
}

function makeSearch(map, status) {
  const input = element("input", { type: "text", inputmode: "numeric", size: 6, placeholder: "Number", "aria-label": "Go to the picture of this number" });
  const search = element("form", { class: "group" }, input, element("button", { type: "submit" }, "Go"));
  search.onsubmit = (event) => {
    event.preventDefault();
    const text = input.value.replaceAll(/[\s,]/g, ""), i = Number(text), { points } = map;
    if (!points || !/^\d+$/.test(text) || i >= points.n) {
      status.textContent = points ? `Type a whole number from 0 to ${thousands(points.n - 1)}.` : "";
      return;
    }
    map.view = { x: map.layout().x[i], y: map.layout().y[i], zoom: Math.max(map.view.zoom, NEAR) };
    map.goTo(i);
  };
  return search;
}

function layScale({ data, about }, root) {
  const scale = root.querySelector(".scale");
  scale.hidden = data.colour === "digit";
  root.querySelector(".plot").dataset.colour = data.colour;
  if (scale.hidden || !about) return;
  const [low, high] = about.ranges[data.colour];
  const bar = element("span", { class: "ramp", style: `background:linear-gradient(90deg,${data.ramp})` });
  scale.replaceChildren(element("span", {}, `${data.colourName}: ${low}`), bar, element("span", {}, String(high)));
}
