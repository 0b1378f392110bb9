// Play or scrub through pictures stored during a training. All of them come at once, as one sheet for each model and kind
// of picture (a row per epoch, `tiles` columns), so nothing is asked while it plays.

import { mount, writeAddress } from "../bridge.js";
import { scrollPast } from "../shared.js";
import { describe, makePanel, paint, rowAt } from "./panels.js";

const PAUSE = 700, FADE = 300; // milliseconds per epoch and of the change
const ICONS = { Play: "M4 2.5v13l10-6.5z", Pause: "M4 3h3.5v12H4zM10.5 3H14v12h-3.5z" };

function create(root, host) {
  const button = root.querySelector(".play"), slider = root.querySelector("input");
  const state = { data: null, panels: [], place: 0, timer: null }; // place: among the epochs
  const show = makeShow(state, root);

  function label(name) {
    button.setAttribute("aria-label", name);
    button.innerHTML = `<svg viewBox="0 0 18 18" width="18" height="18" aria-hidden="true"><path fill="currentColor" d="${ICONS[name]}"/></svg>`;
  }

  function stop() {
    clearInterval(state.timer);
    state.timer = null;
    label("Play");
  }

  function pause() {
    stop();
    const epoch = state.data.epochs[state.place];
    writeAddress({ epoch });
    host.set("epoch", epoch);
  }

  let seen = true; // out of view it rests
  new IntersectionObserver((entries) => { seen = entries.at(-1).isIntersecting; }).observe(root.querySelector(".epochs"));
  const next = () => show(state.place + 1);

  function play() {
    label("Pause");
    const isLast = () => state.place + 1 >= state.data.epochs.length;
    state.timer = setInterval(() => { if (seen) (isLast() ? pause : next)(); }, PAUSE);
    show(isLast() ? 0 : state.place + 1);
  }

  const toggle = () => (state.timer === null ? play() : pause());
  button.onclick = toggle;
  scrollPast(slider);
  slider.oninput = () => { stop(); show(Number(slider.value)); };
  slider.onchange = pause;
  slider.onkeydown = (event) => { if (event.key === " ") { event.preventDefault(); toggle(); } };

  async function update(data, differs) {
    state.data = data;
    if (!differs("epochs", "models")) return;
    stop();
    slider.max = data.epochs.length - 1;
    const made = state.panels = data.models.map(makePanel);
    root.querySelector(".models").replaceChildren(...made.map(({ part }) => part));
    await Promise.all(made.flatMap(({ sheets }) => sheets.map(({ image }) => image.decode())));
    if (made !== state.panels) return; // other models were chosen meanwhile
    const asked = state.data.epochs.findLastIndex((epoch) => epoch <= state.data.epoch);
    show(state.data.epoch < 0 ? state.data.epochs.length - 1 : Math.max(0, asked));
  }

  return { update };
}

function makeShow(state, root) {
  const box = root.querySelector(".epochs"), slider = root.querySelector("input"), output = root.querySelector("output");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let frame = null;

  return function show(next) {
    const { epochs } = state.data, old = epochs[state.place], epoch = epochs[next], begin = performance.now();
    state.place = next;
    slider.value = next;
    slider.setAttribute("aria-valuetext", `epoch ${epoch} of ${epochs.at(-1)}`);
    output.textContent = `epoch ${epoch}`;
    for (const panel of state.panels) describe(panel, rowAt(panel, epoch));
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(function draw(now) { // old pictures fade into new ones, unless the visitor wants no motion
      const share = state.timer === null || still.matches ? 1 : Math.min(1, (now - begin) / FADE);
      for (const panel of state.panels) {
        if (share < 1) paint(panel, rowAt(panel, old), 1);
        paint(panel, rowAt(panel, epoch), share);
      }
      if (share < 1) frame = requestAnimationFrame(draw);
      else box.dataset.shown = epoch;
    });
  };
}

export default mount("epochs", create);
