// The way through kept points, for the pages of the app and for a model in one file: where on it, how it goes on, and
// what steers it. A kept point has z and, where the model takes labels, the number of its label.

export const PATHS = [["spherical", "Spherical"], ["straight", "Straight"]];
export const ENDS = [["loop", "Loop"], ["back", "Back and forth"], ["once", "Once"]];
export const SPEEDS = [["0.5", "Slow"], ["1", "Normal"], ["2", "Fast"]];
const PACE = 0.4; // of the way from one point to the next, in a second

export function between(a, b, t, spherical) {
  const length = (v) => Math.hypot(...v), dot = a.reduce((sum, v, i) => sum + v * b[i], 0);
  const angle = Math.acos(Math.max(-1, Math.min(1, dot / (length(a) * length(b) || 1))));
  if (!spherical || Math.sin(angle) < 1e-4) return a.map((v, i) => (1 - t) * v + t * b[i]); // no unique great circle
  const [p, q] = [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
  return a.map((v, i) => p * v + q * b[i]);
}

// The row that stands for the label on the way from one to another: a mixture of both.
export function mixedLabels({ from, to, share }, classes) {
  const row = new Float32Array(classes);
  row[from.label] += 1 - share;
  row[to.label] += share;
  return row;
}

// A run through what kept() returns: its controls, its clock, and where it is. draw() is called for each place that it
// comes to, changed() when it starts or stops, chosen() after the visitor has set how it goes. It rests out of view.
export function makeRun({ element, button, box, kept, draw, changed, chosen = () => {}, mayGo = () => true }) {
  let place = 0, way = 1; // place: from 0 to 1 over all points, in a loop back to the first
  const { path, end, speed, slider, play } = makeControls(element, button, toggle);
  const clock = makeClock(box, step, mayGo, refresh);
  const legs = () => Math.max(1, kept().length - (end.value === "loop" ? 0 : 1));

  function at(there = place) { // {z, from, to, share}
    const stops = [...kept(), kept()[0]], along = there * legs(), i = Math.min(legs() - 1, Math.floor(along));
    const [from, to, share] = [stops[i], stops[i + 1], along - i];
    return { z: between(from.z, to.z, share, path.value === "spherical"), from, to, share };
  }
  function go(there) {
    place = there;
    slider.value = place;
    if (kept().length < 2) return;
    const { from, to, share } = at(), number = (point) => kept().indexOf(point) + 1;
    slider.setAttribute("aria-valuetext", `from point ${number(from)} to point ${number(to)}, ${Math.round(100 * share)} %`);
    draw();
  }
  function step(seconds) { // on the way; tell whether it goes on
    place += (way * seconds * Number(speed.value) * PACE) / legs();
    if (end.value === "back" && (place > 1 || place < 0)) [place, way] = [Math.max(0, Math.min(1, place > 1 ? 2 - place : -place)), -way];
    const over = place >= 1 && end.value === "once";
    go(over ? 1 : end.value === "back" ? place : place % 1);
    return !over;
  }
  function toggle() {
    if (place >= 1 && end.value === "once") place = 0;
    if (end.value !== "back") way = 1;
    if (clock.runs()) clock.stop(); else clock.start();
  }
  function refresh() {
    play.textContent = clock.runs() ? "Pause" : "Play";
    if (kept().length < 2) clock.stop();
    changed();
  }
  function places(count) { // of as many pictures over the whole run, each as long as the others
    const steps = Array.from({ length: count }, (_, i) => i);
    if (end.value === "once") return steps.map((i) => i / (count - 1));
    if (end.value === "loop") return steps.map((i) => i / count);
    return steps.map((i) => 1 - Math.abs(1 - (2 * i) / count));
  }

  slider.oninput = () => go(Number(slider.value));
  for (const choice of [path, end, speed]) {
    choice.onchange = () => { way = 1; go(place); chosen(); };
  }
  const choices = [path, end, speed];
  return {
    play, slider, choices, legs, at, go, places, stop: clock.stop, place: () => place,
    placeOf: (i) => i / legs(), // of a point by its number from 0
    settings: () => choices.map((choice) => choice.selectedIndex).join(""),
    set(text) { choices.forEach((choice, i) => { choice.selectedIndex = Number(text[i]); }); },
  };
}

function makeControls(element, button, toggle) {
  const choice = (name, options, chosen) => {
    const made = element("select", { "aria-label": name }, ...options.map(([value, says]) => element("option", { value }, says)));
    made.value = chosen;
    return made;
  };
  return {
    path: choice("Path", PATHS, "spherical"),
    end: choice("At the end", ENDS, "loop"),
    speed: choice("Speed", SPEEDS, "1"),
    slider: element("input", { type: "range", min: 0, max: 1, step: 0.001, value: 0, "aria-label": "Place on the way" }),
    play: button("Play", toggle),
  };
}

// What calls step(seconds) for every frame until that says no; out of view, and while it may not go, it rests. `changed`
// hears of start and stop.
export function makeClock(box, step, mayGo, changed) {
  let playing = 0, before = 0, seen = true;
  new IntersectionObserver((entries) => { seen = entries.at(-1).isIntersecting; }).observe(box);
  const clock = {
    runs: () => playing > 0,
    start() { before = performance.now(); playing = requestAnimationFrame(tick); changed(); },
    stop() {
      if (!playing) return;
      cancelAnimationFrame(playing);
      playing = 0;
      changed();
    },
  };
  function tick(now) {
    const goesOn = box.isConnected && (!(seen && mayGo()) || step(Math.max(0, Math.min(100, now - before)) / 1000));
    before = now;
    if (!goesOn) clock.stop(); else if (playing) playing = requestAnimationFrame(tick);
  }
  return clock;
}
