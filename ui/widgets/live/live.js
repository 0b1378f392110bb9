// One live picture, or one per label, steered by a pad (two latents) or by sliders (any other number).
// Every move makes new pixels, in this page or by /api/decode.

import { makeAsker } from "../asker.js";
import { mount, writeAddress } from "../bridge.js";
import { packPoint, snap } from "../codecs.js";
import { decode, localModel } from "../runtime/local.js";
import { element, putPixels } from "../shared.js";
import { makeNamed } from "./named.js";
import { makePad } from "./pad.js";
import { makeSliders } from "./sliders.js";
import { layWay } from "./way.js";

function create(root, host) {
  const frame = root.querySelector(".live"), pictures = makePictures(frame, root.querySelector(".pictures"));
  const controlBox = root.querySelector(".latents"), status = root.querySelector(".status");
  let data, control;
  let z = [], known = ""; // known: the last z that Python and this page agreed on

  function address() {
    const label = data.labels.length ? `&label=${data.labels}` : "";
    return `${data.base}/api/decode?model=${encodeURIComponent(data.model)}&z=${z}${label}`;
  }

  function tell(pixels) { // the address first
    writeAddress({ [data.parameter]: packPoint(z) });
    known = String(z);
    return host.send("move", { z, pixels });
  }

  const asker = makeAsker({
    address,
    tell: () => tell(true),
    show: ({ pixels }) => { if (pictures.paint(pixels, data)) frame.dataset.shown = String(z); },
    report: (text, note = "") => { status.textContent = text || note; },
    here: {
      entry: () => localModel(data.base, data.model, data.version),
      answer: (model) => ({ pixels: decode(model, z, data.labels) }),
    },
  });

  function announce(held) { // to what else on the page shows this point
    dispatchEvent(new CustomEvent("latentpoint", { detail: { model: data.model, parameter: data.parameter, z, held } }));
  }

  function move(changed) { // changed: {dimension: value}
    z = z.map((value, i) => (i in changed ? snap(changed[i]) : value));
    control.show(z, data.labels);
    asker.ask();
    announce(true);
  }

  function settle() { // the pointer was lifted or a key released: tell Python
    pictures.describe(data, z);
    announce(false);
    if (String(z) === known) return;
    tell(asker.routeless());
  }

  const showNamed = makeNamed(root.querySelector(".named"), () => z, move, settle);

  function update(fresh, differs) {
    data = fresh;
    const elsewhere = String(data.z) !== known; // Python chose another point
    if (elsewhere) known = String(z = data.z);
    if (differs("captions", "shape")) pictures.lay(data);
    if (elsewhere || differs("model", "named")) showNamed(data.named);
    if (differs("model", "order", "words", "background", "landmarks")) {
      control = (data.z.length === 2 ? makePad : makeSliders)(controlBox, data, () => z, move, settle);
    }
    if (data.z.length === 2 && differs("model", "background", "landmarks", "way")) layWay(controlBox, data, host);
    if (elsewhere || differs("model", "labels", "order", "captions")) {
      control.show(z, data.labels);
      pictures.describe(data, z);
      asker.ask();
      announce(false);
    }
  }

  return { update, hear: asker.hear };
}

function makePictures(frame, box) {
  let canvases = [];
  return {
    lay({ captions, names, shape: [channels, height, width] }) {
      canvases = captions.map((caption) => element("canvas", { width, height, role: "img", "aria-label": caption }));
      const many = canvases.length > 1;
      const caption = (i) => (many ? [element("figcaption", {}, names[i])] : []);
      box.replaceChildren(...canvases.map((canvas, i) => element("figure", {}, canvas, ...caption(i))));
      box.toggleAttribute("data-smooth", channels === 3);
      frame.classList.toggle("many", many);
      frame.style.setProperty("--columns", Math.min(5, canvases.length));
      frame.classList.toggle("few", many && canvases.length < 5);
      frame.classList.toggle("crowd", canvases.length > 20); // more than a screen should keep in view
    },
    paint(pixels, { shape: [channels, height, width] }) { // false where these are pixels of something else
      const each = channels * height * width;
      if (pixels.length !== canvases.length * each) return false;
      canvases.forEach((canvas, i) => putPixels(canvas, pixels.subarray(i * each), channels));
      return true;
    },
    describe({ captions }, z) {
      const place = z.length > 2 ? `${z.length} latent values` : z.map((v) => v.toFixed(2)).join(", ");
      canvases.forEach((canvas, i) => canvas.setAttribute("aria-label", `${captions[i]}, decoded at ${place}`));
    },
  };
}

export default mount("live", create);
