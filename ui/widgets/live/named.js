// Sliders with names: each moves the point along its curve, the polyline that Python drew through the present point.

import { element, scrollPast, stepFinely } from "../shared.js";

function along({ values, points }, value) { // where the measure of a curve is `value`
  const beyond = values.findIndex((v) => v >= value); // -1 past the last, where a step of the slider may lie
  const right = beyond < 0 ? values.length - 1 : Math.max(beyond, 1);
  const [low, high] = [values[right - 1], values[right]];
  const share = Math.min(1, Math.max(0, high > low ? (value - low) / (high - low) : 0));
  return points[right - 1].map((z, d) => z + share * (points[right][d] - z));
}

export function makeNamed(box, current, move, settle) {
  let curves = [], rows = [], held = -1, rest = [], left = "";

  function follow(k, value) { // what the other sliders did to the point stays
    if (held !== k || left !== String(current())) {
      const from = along(curves[k], curves[k].value);
      rest = current().map((z, d) => z - from[d]);
    }
    held = k;
    curves[k].value = value;
    tell(k);
    move({ ...along(curves[k], value).map((z, d) => z + rest[d]) });
    left = String(current());
  }

  function tell(k) {
    const { value, unit, digits } = curves[k], { input, output } = rows[k];
    if (Number(input.value) !== value) input.value = value;
    output.textContent = `${value.toFixed(digits)}${unit === "\u00b0" ? "" : " "}${unit}`;
    input.setAttribute("aria-valuetext", output.textContent);
  }

  function row(curve, k) {
    const input = element("input", { type: "range", "aria-label": curve.name }), output = element("output", { "aria-hidden": "true" });
    scrollPast(input);
    stepFinely(input, () => curves[k].step);
    input.oninput = () => follow(k, Number(input.value));
    input.onchange = settle;
    const line = element("label", { class: "line", title: curve.about }, element("span", {}, curve.name), input, output);
    return { input, output, line };
  }

  return function show(fresh) {
    const names = (list) => list.map(({ name }) => name).join();
    const same = names(fresh) === names(curves);
    [curves, held] = [fresh.map((curve) => ({ ...curve })), -1];
    if (!same) {
      const name = (input) => input?.getAttribute("aria-label"), steered = name(box.querySelector(":focus"));
      rows = curves.map(row);
      const head = (text) => element("p", { class: "head" }, text);
      box.replaceChildren(...(rows.length ? [...rows.map(({ line }) => line), head("Latents")] : []));
      if (steered) rows.find(({ input }) => name(input) === steered)?.input.focus({ preventScroll: true });
    }
    curves.forEach(({ least, most, step }, k) => {
      Object.assign(rows[k].input, { min: least, max: most, step });
      tell(k);
    });
  };
}
