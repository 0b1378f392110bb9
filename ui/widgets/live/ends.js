// What a slider does, seen at its ends: a small picture of where it leads at -3, and one at 3. This page makes them while
// it has nothing else to do, where it has the model; a drag waits for none of them, and nothing is fetched for them.

import { decode, localModel } from "../runtime/local.js";
import { element, putPixels } from "../shared.js";

const PLACES = [-3, 3];
const CALM = 300, AGAIN = 1000, TRIES = 60; // ms without a move; ms until the model is looked for again, and how often
const LOOK = "width:clamp(1.4rem,6cqw,2rem);height:auto;flex:none;border-radius:4px;visibility:hidden";
const whenIdle = (act) => (globalThis.requestIdleCallback ?? ((late) => setTimeout(late, 50)))(act);

// Put the pictures beside each of `inputs`; at(k, value) is the point to which the k-th leads. Returns moved(labels), to be
// called with every move.
export function makeEnds(inputs, { base, model: name, version, shape: [channels, height, width] }, at) {
  const pictures = inputs.flatMap((input) => {
    const [low, high] = PLACES.map(() => element("canvas", { width, height, "aria-hidden": "true", style: LOOK }));
    const row = element("div", { class: "ends", style: "display:flex;align-items:center;gap:0.4rem;min-width:0" });
    input.replaceWith(row);
    input.style.minWidth = 0;
    row.append(low, input, high);
    return [low, high];
  });
  let run = 0, timer = null, labels = [];

  function work(mine, next = 0, tries = 0) {
    if (mine !== run || next === pictures.length || !pictures[0].isConnected) return;
    const { model, fail } = localModel(base, name, version);
    if (!model) {
      if (tries < TRIES) timer = setTimeout(work, AGAIN, mine, next, tries + 1);
      return;
    }
    try {
      putPixels(pictures[next], decode(model, at(Math.floor(next / 2), PLACES[next % 2]), labels), channels);
    } catch (error) { return fail(error); }
    pictures[next].style.visibility = "visible";
    whenIdle(() => work(mine, next + 1));
  }

  return function moved(every) {
    labels = every.slice(0, 1);
    const mine = ++run;
    clearTimeout(timer);
    timer = setTimeout(() => whenIdle(() => work(mine)), CALM);
  };
}
