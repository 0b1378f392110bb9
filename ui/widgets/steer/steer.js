// One picture steered by sliders, each a way through latent space: z = start + sum of value * way.
// Every move asks /api/decode for new pixels. ui/widgets/shared.js stands before this text.

function create(root) {
  const box = root.querySelector(".control"), status = root.querySelector(".status"), views = root.querySelector(".pictures");
  let data, setStateValue, values = [], known = "", sequence = 0, before, after, target, rows = [];

  const point = () => data.start.map((z, d) => data.axes.reduce((sum, axis, k) => sum + values[k] * axis.way[d], z));

  function tell(pixels) { // the address first, and in place: a drag is no step of the browser's history
    const here = new URL(location.href);
    data.axes.forEach((axis, k) => {
      if (values[k] === axis.first) here.searchParams.delete(axis.parameter);
      else here.searchParams.set(axis.parameter, String(values[k]));
    });
    history.replaceState(history.state, "", here);
    known = String(values);
    setStateValue("move", { values, sequence: ++sequence, pixels });
    return sequence;
  }

  const asker = makeAsker({
    address: () => `${data.base}/api/decode?model=${encodeURIComponent(data.model)}&z=${point().map((v) => v.toFixed(4))}`,
    tell: () => tell(true),
    show: ({ pixels }) => {
      putPixels(after, pixels, data.shape[0]);
      root.querySelector(".steer").dataset.shown = String(values);
    },
    report: (text) => { status.textContent = text; },
  });

  function settle() {
    if (String(values) !== known) tell(asker.routeless());
  }

  function lay() {
    const [channels, height, width] = data.shape;
    const picture = (caption) => {
      const canvas = element("canvas", { width, height, role: "img", "aria-label": caption });
      views.append(element("figure", {}, canvas, element("figcaption", {}, caption)));
      return canvas;
    };
    views.replaceChildren();
    [before, after, target] = data.captions.map(picture);
    putPixels(before, fromBase64(data.before), channels);
    if (target) putPixels(target, fromBase64(data.target), channels);
    putPixels(after, fromBase64(data.before), channels);
    rows = data.axes.map((axis, k) => {
      const input = element("input", {
        type: "range", min: axis.least, max: axis.most, step: axis.step, "aria-label": axis.name,
      });
      const value = element("output", { "aria-hidden": "true" });
      const take = (number) => {
        values[k] = number;
        show();
        asker.ask();
      };
      scrollPast(input);
      input.oninput = () => take(Number(input.value));
      input.onchange = settle;
      const back = element("button", { type: "button", title: `Back to ${axis.first}`, "aria-label": `${axis.name}: back` }, "\u21ba");
      back.onclick = () => { take(axis.first); settle(); };
      box.append(element("label", { class: "line" }, element("span", {}, axis.name), input, value), back);
      return { input, value, axis };
    });
  }

  function show() {
    rows.forEach(({ input, value, axis }, k) => {
      if (Number(input.value) !== values[k]) input.value = values[k];
      const text = axis.unit === "%" ? `${Math.round(100 * values[k])} %` : `${values[k] > 0 ? "+" : ""}${values[k].toFixed(2)} ${axis.unit}`;
      value.textContent = text;
      input.setAttribute("aria-valuetext", text);
    });
  }

  function update(fresh, set) {
    setStateValue = set;
    asker.hear(fresh);
    if (fresh.sequence < sequence) return; // about an older move than the last one sent
    const old = data;
    data = fresh;
    sequence = Math.max(sequence, fresh.sequence);
    const differs = (...keys) => !old || keys.some((key) => JSON.stringify(old[key]) !== JSON.stringify(data[key]));
    const anew = differs("model", "start", "axes", "captions", "before", "target");
    if (anew) {
      box.replaceChildren();
      lay();
    }
    if (anew || String(data.values) !== known) {
      values = [...data.values];
      known = String(values);
      show();
      asker.ask();
    }
  }

  return { update };
}

export default function ({ data, parentElement, setStateValue }) {
  parentElement.__steer ??= create(parentElement);
  parentElement.__steer.update(data, setStateValue);
}
