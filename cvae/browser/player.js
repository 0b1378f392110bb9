// A morph through two or more kept points, and as a strip of pictures. morph.js stands before this text.

const STRIP = 12; // pictures from each kept point to the next
const FEW = "Keep two or more points to see the way from each to the next.";

function makePlayer(explorer) {
  let kept = [];
  const shown = picture("The picture on the way"), list = element("div", { class: "kept" }), note = element("p", { class: "note" }, FEW);
  const box = element("div", { class: "morph" }, element("figure", {}, shown));
  const run = makeRun({ element, button, box, kept: () => kept, draw, changed: refresh, mayGo: () => onSlide });
  const tools = [run.play, ...run.choices, button("Save strip (PNG)", save), button("Clear", clear)];
  box.append(element("div", {}, run.slider, element("div", { class: "bar" }, ...tools)));
  const pixels = (there) => explorer.decode(there.z, data.labels.length ? mixedLabels(there, data.program.classes) : null);

  function draw() {
    try { paint(shown, pixels(run.at())); } catch (error) { show(error); }
    box.dataset.shown = String(run.place());
  }
  function refresh() {
    const enough = kept.length >= 2;
    box.hidden = !enough;
    note.hidden = enough;
    list.replaceChildren(...kept.map(({ made }) => made));
    if (enough) draw();
  }
  function keep() {
    const z = explorer.point(), small = picture(""), says = `Go to kept point ${kept.length + 1}`;
    const point = { z, label: explorer.label()?.label, made: button("", () => explorer.go(z), { "aria-label": says, title: says }) };
    paint(small, pixels({ z, from: point, to: point, share: 0 }));
    point.made.append(small);
    kept.push(point);
    refresh();
  }
  function clear() { kept = []; run.stop(); refresh(); }
  function save() {
    const count = STRIP * run.legs();
    saveStrip(Array.from({ length: count + 1 }, (_, i) => pixels(run.at(i / count))));
  }
  refresh();
  return [element("h2", {}, "Morph"), element("div", { class: "bar" }, button("Keep this point", keep), list), note, box];
}

function saveStrip(pictures) { // side by side, as PNG
  const scale = Math.max(1, Math.round(64 / WIDTH)), [width, height] = [WIDTH * scale, HEIGHT * scale], one = picture("");
  const sheet = element("canvas", { width: width * pictures.length, height }), context = sheet.getContext("2d");
  context.imageSmoothingEnabled = false;
  pictures.forEach((pixels, i) => { paint(one, pixels); context.drawImage(one, i * width, 0, width, height); });
  sheet.toBlob((blob) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: `${data.name}-morph.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }, "image/png");
}
