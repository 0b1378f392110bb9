// The shelf of kept points and the way through them. The key K and every button that says so keep the present point,
// which the live control of this page announces; what is kept is written into the address at once.

import { makeRun } from "../../../cvae/browser/morph.js";
import { mount, writeAddress } from "../bridge.js";
import { button, element } from "../shared.js";
import { makeCarrying } from "./carry.js";
import { makeFrames, paintSheet, sheetSize } from "./frames.js";
import { makeList } from "./list.js";
import { exact, packShelf } from "./text.js";

const BY_KEY = matchMedia("(hover: none)").matches ? "" : ", each with the key K,"; // which a telephone has not
const FEW = `Keep two or more points${BY_KEY} to see the way from one to the next.`;

function create(root, host) {
  const part = (name) => root.querySelector(`.${name}`), status = part("status"), box = part("run");
  const shelf = { kept: [], chosen: null, z: [], known: "" }; // known: the text that Python and this page agreed on
  const left = new Set(); // texts that this page has replaced, and Python may say once more: a rerun can overtake another
  addEventListener("popstate", () => left.clear());
  let data;
  const say = (text) => { status.textContent = text; }, get = () => data, kept = () => shelf.kept;
  const run = makeRun({ element, button, box, kept, draw: () => frames.ask(), changed: refresh, chosen: save });
  const frames = makeFrames({ get, host, present: () => run.at(), show: (pixels) => screen.paint(pixels), report: say });
  const acts = makeActs(shelf, { get, run, say, save, refresh });
  const keeper = button("Keep this point", acts.keep, { title: "Keep this point (K)" }), note = element("p", { class: "note" }, FEW);
  const list = makeList(part("points"), { ...acts, kept, get, chosen: () => shelf.chosen });
  const goTo = ({ z, label }) => host.send("go", { z, label });
  const tools = makeTools(part("tools"), { ...acts, get, number: () => kept().indexOf(shelf.chosen), save, goTo });
  const screen = makeScreen(box, run, get, makeCarrying({ get, run, frames, text: () => shelf.known, say }));
  part("points").after(keeper, note);
  listen(root, {
    keep: acts.keep,
    follow: ({ model, parameter, z }) => { if (model === data?.model && parameter === data.parameter) shelf.z = z; },
  });

  function save() {
    left.add(shelf.known);
    shelf.known = packShelf(run.settings(), kept());
    left.delete(shelf.known);
    writeAddress({ shelf: shelf.known });
    host.send("shelf", { text: shelf.known });
    refresh();
  }
  function refresh() {
    const enough = kept().length >= 2;
    [box.hidden, note.hidden, keeper.disabled] = [!enough, enough, kept().length >= data.most];
    list.show();
    tools.show(shelf.chosen);
    kept().filter((point) => !point.asked).forEach(picture);
    if (enough) run.go(Math.min(1, run.place()));
  }
  async function picture(point) { // the small one of a kept point
    point.asked = true;
    const pixels = await frames.get({ z: point.z, from: point, to: point, share: 0 }).catch(() => null);
    if (pixels && point.made) list.paint(point, pixels);
  }
  function adopt(points, settings) {
    [shelf.kept, shelf.chosen] = [points.map(({ z, label, name }) => ({ z, label, name })), null];
    run.stop();
    run.set(settings);
  }
  function update(fresh, differs) {
    data = fresh;
    if (differs("z", "model", "parameter")) shelf.z = data.z;
    const anew = differs("model", "version", "shape", "every");
    if (anew) { frames.drop(); screen.lay(); }
    if (!anew && left.delete(data.text)) return save(); // once: what Python refuses it refuses again
    if (anew || data.text !== shelf.known) { // or another link, or the browser's way back
      shelf.known = data.text;
      adopt(data.kept, data.settings);
    }
    refresh();
  }
  return { update, hear: frames.hear };
}

// What a visitor does with the points.
function makeActs(shelf, { get, run, say, save, refresh }) {
  return {
    keep() {
      const { label, most, longest } = get(), { kept } = shelf, point = { z: exact(shelf.z), label, name: "" };
      if (kept.length >= most) return say(`The shelf holds ${most} points; delete one to keep another.`);
      if (packShelf(run.settings(), [...kept, point]).length > longest) return say("The address holds no more points; delete one.");
      kept.push(point);
      say(`Point ${kept.length} of ${most} is kept.`);
      confirmKept();
      save();
    },
    move(from, to) {
      if (to < 0 || to >= shelf.kept.length || from === to) return;
      shelf.kept.splice(to, 0, ...shelf.kept.splice(from, 1));
      say(`Moved to place ${to + 1} of ${shelf.kept.length}.`);
      save();
    },
    remove(point) {
      const i = shelf.kept.indexOf(point);
      shelf.kept.splice(i, 1);
      shelf.chosen = null;
      say(`Point ${i + 1} is deleted.`);
      save();
      shelf.kept[Math.min(i, shelf.kept.length - 1)]?.made.focus();
    },
    choose(point) { // or, once more or without one, none
      shelf.chosen = shelf.chosen === point ? null : point;
      run.stop();
      refresh();
      if (shelf.chosen && shelf.kept.length >= 2) run.go(Math.min(1, run.placeOf(shelf.kept.indexOf(point))));
    },
  };
}

function confirmKept() { // on the buttons of the page: the shelf itself may be out of sight
  for (const made of document.querySelectorAll("[data-does=keep]")) {
    made.textContent = "Kept";
    setTimeout(() => { made.textContent = made.dataset.says; }, 1500);
  }
}

// What belongs to the point that is chosen: its name, its place, and the ways to it and out of the shelf.
function makeTools(box, { get, number, move, remove, choose, save, goTo }) {
  let point = null;
  const name = element("input", { type: "text", maxlength: 24, placeholder: "Name", "aria-label": "Name of this point", autocomplete: "off" });
  name.onchange = () => {
    point.name = [...name.value].map((letter) => (letter < " " ? " " : letter)).join("").trim();
    save();
  };
  name.onkeydown = (event) => { if (event.key === "Enter") name.blur(); };
  const earlier = button("\u2190", () => move(number(), number() - 1), { "aria-label": "Move earlier", title: "Move earlier (Shift+Left on its picture)" });
  const later = button("\u2192", () => move(number(), number() + 1), { "aria-label": "Move later", title: "Move later (Shift+Right on its picture)" });
  const back = button("Go there", () => goTo(point), { title: "Show this point above" });
  const gone = button("Delete", () => remove(point), { title: "Delete this point (Delete on its picture)" });
  box.append(name, earlier, later, back, gone, button("Done", () => choose(null)));
  return {
    show(chosen) {
      point = chosen;
      box.hidden = !point;
      back.hidden = !get().goes;
      if (point && name !== box.getRootNode().activeElement) name.value = point.name;
    },
  };
}

function makeScreen(box, run, get, carrying) { // the large picture, and what steers it
  const canvas = element("canvas", { role: "img", "aria-label": "The picture on the way" });
  const figure = element("figure", {}, canvas), row = (...parts) => element("div", { class: "bar" }, ...parts);
  box.append(figure, element("div", { class: "steering" }, row(run.play, ...run.choices), run.slider, row(...carrying)));
  return {
    lay() {
      Object.assign(canvas, sheetSize(get()));
      figure.className = get().shape[0] === 3 ? "smooth" : "";
      box.classList.toggle("wide", get().every > 0);
    },
    paint(pixels) {
      paintSheet(canvas, pixels, get());
      box.dataset.shown = String(run.place());
    },
  };
}

// The key K, the buttons of the page that keep a point, and where its live control stands; until the shelf is gone.
function listen(root, { keep, follow }) {
  const isTyping = (node) => node?.isContentEditable || /^(textarea|select)$/i.test(node?.tagName) ||
    (node?.tagName === "INPUT" && !/^(range|button|checkbox|radio)$/.test(node.type));
  const heard = {
    keydown(event) {
      const held = event.ctrlKey || event.altKey || event.metaKey || event.repeat;
      if (!held && event.key?.toLowerCase() === "k" && !isTyping(event.composedPath()[0])) keep();
    },
    click(event) { if (event.composedPath().some((node) => node.dataset?.does === "keep")) keep(); },
    latentpoint(event) { follow(event.detail); },
  };
  for (const [name, hear] of Object.entries(heard)) {
    const once = (event) => (root.isConnected ? hear(event) : removeEventListener(name, once));
    addEventListener(name, once);
  }
}

export default mount("shelf", create);
