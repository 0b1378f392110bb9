// The map: ten thousand points that answer to the pointer without asking anyone. Wheel and pinch zoom, a drag moves,
// a lasso takes a group; nearer in, points become the pictures themselves, as many as have room. state.js lists its parts.

import { mount } from "../bridge.js";
import { makeChoice } from "./choice.js";
import { makeControls } from "./controls.js";
import { followKeys, followLinks, followPointers } from "./hand.js";
import { makePainter } from "./painter.js";
import { unpackPoints } from "./points.js";
import { makeState } from "./state.js";
import { makeTip } from "./tip.js";
import { makeView } from "./view.js";

const NO_POINTS = "The points did not come. Reload the page to try again.";
const KEYS = "Enter selects one, L takes those around it into a group, Escape clears the groups and then the choice; " +
  "plus, minus and Home change the view.";

function create(root, host) {
  const box = root.querySelector(".plot"), sheet = root.querySelector("canvas"), status = root.querySelector(".status");
  const map = makeState();
  Object.assign(map, makePainter(map, root), makeTip(map, root), makeView(map, status), makeChoice(map, host, status));
  Object.assign(map, makeControls(map, root, status));
  followPointers(map, sheet);
  followKeys(map, sheet);
  followLinks(map, box);

  async function load() {
    const wanted = map.data.points, overtaken = () => map.data.points !== wanted;
    map.hover(-1);
    Object.assign(map, { points: null, sprites: [] });
    const reply = await fetch(wanted).catch(() => null);
    if (overtaken()) return;
    if (reply?.headers.get("Content-Type") !== "application/octet-stream") {
      status.textContent = reply?.status === 400 ? await reply.text() : NO_POINTS;
      return;
    }
    map.about = JSON.parse(reply.headers.get("X-About"));
    map.points = unpackPoints(await reply.arrayBuffer(), map.about);
    map.layScale();
    await map.adopt();
    map.drawNow();
    await loadSprites(map.data.sprites, overtaken);
    box.dataset.sprites = map.sprites.filter(Boolean).length;
    const { hovered } = map; // a point without a picture as yet
    map.hover(-1);
    map.hover(hovered);
    map.draw();
  }

  async function loadSprites(addresses, overtaken) {
    const coming = addresses.map((address) => fetch(address).then((r) => r.blob()).then(createImageBitmap).catch(() => null));
    for (let k = 0; k < coming.length; k++) {
      const sprite = await coming[k];
      if (!overtaken()) map.sprites[k] = sprite;
    }
  }

  function update(data, differs) {
    const first = !map.data;
    map.data = data;
    sheet.dataset.save = data.title;
    if (differs("label")) sheet.setAttribute("aria-label", `${data.label} Arrow keys go from ${data.noun} to ${data.noun}, ${KEYS}`);
    if (differs("classes", "palette")) map.layLegend();
    if (differs("colour", "points")) map.layScale();
    if (differs("layout") && !first) map.whole();
    root.querySelectorAll(".axis").forEach((axis, k) => { axis.textContent = data.axes[k] ?? ""; });
    const elsewhere = map.chosenElsewhere();
    map.refresh();
    if (differs("points")) return load();
    if (map.points && elsewhere) map.adopt().then(map.draw);
    const pinned = map.points && data.mine && differs("mine");
    if (pinned) map.bring(data.mine[0], 1 - data.mine[1]);
    if (pinned || differs("layout", "colour")) map.draw();
    else map.mark();
  }

  return { update };
}

export default mount("plot", create);
