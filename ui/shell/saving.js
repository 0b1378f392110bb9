// *Save*: what a page shows, as files that this browser makes when they are asked for. Pictures become PNG, charts and
// diagrams SVG too, tables CSV. What belongs together stands inside an element with `data-save`, its name; of any other
// picture that is the sentence for those who do not see it. An element may draw itself larger: savePicture(pixels).

{
  const LEAST = 1200, MOST = 6000; // pixels of the longer side of a file
  const ALONE = 160; // CSS pixels from which a picture without `data-save` is offered
  const MARGIN = 16, NEAR = 0.06; // NEAR: share by which a picture may differ from its place to keep its pixels alike
  const CONTROLS = /^(button|input|select|textarea|style|script|summary)$/i, PICTURE = /^(canvas|img)$/i;
  const LOOK = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap", "opacity",
    "font-family", "font-size", "font-weight", "text-anchor"];
  const SVG = "http://www.w3.org/2000/svg";
  const partsOf = (node) => (node.shadowRoot ?? node).childNodes;
  const ground = () => getComputedStyle(document.querySelector(".stApp")).backgroundColor;
  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    made.append(...children);
    return made;
  };

  // --- what there is to save

  function things(node, list = []) {
    for (const child of partsOf(node)) {
      if (child.nodeType !== Node.ELEMENT_NODE) continue;
      const thing = thingOf(child);
      if (!thing) things(child, list);
      else if (child.getBoundingClientRect().width && child.checkVisibility()) list.push(thing);
    }
    return list;
  }

  function thingOf(node) {
    const name = node.dataset?.save || node.getAttribute("alt") || node.getAttribute("aria-label") || "";
    if (node.matches("table")) return { name: name || "Table", files: { CSV: () => csv(node) } };
    if (node.matches(".js-plotly-plot")) return { name: chartName(node), files: drawn(() => chart(node)) };
    const first = node.dataset?.save && node.children.length === 1 && node.firstElementChild;
    if (first && first.matches("svg")) return { name, files: drawn(() => vector(first)) };
    const fits = node.dataset?.save || (PICTURE.test(node.tagName) && name && node.getBoundingClientRect().width >= ALONE);
    return fits ? { name, files: { PNG: () => pngOf(node) } } : null;
  }

  const drawn = (draw) => ({ PNG: async () => png(await onPaper(draw())), SVG: () => blob(draw().outerHTML, "image/svg+xml") });
  const chartName = (node) => node.closest("[data-testid=stPlotlyChart]")?.getAttribute("aria-label") ||
    `Curves of ${node.querySelector(".ytitle")?.textContent ?? "what was measured"}`;

  // --- files

  const blob = (text, type) => new Blob([text], { type: `${type};charset=utf-8` });
  const png = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));

  function csv(table) {
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const cell = (node) => quoted((node.dataset.value ?? node.textContent).trim());
    return blob([...table.rows].map((row) => `${[...row.cells].map(cell).join(",")}\r\n`).join(""), "text/csv");
  }

  function vector(svg) { // a copy that needs no style sheet
    const copy = svg.cloneNode(true), style = getComputedStyle(svg), box = svg.getBoundingClientRect();
    const originals = svg.querySelectorAll("*");
    copy.querySelectorAll("*").forEach((node, i) => {
      const look = getComputedStyle(originals[i]);
      for (const name of LOOK) node.style.setProperty(name, look.getPropertyValue(name));
      if (node.matches("text:not(:has(*))")) fix(node, originals[i].getComputedTextLength());
    });
    const shown = { xmlns: SVG, width: box.width, height: box.height };
    Object.entries(shown).forEach(([name, value]) => copy.setAttribute(name, value));
    Object.assign(copy.style, { color: style.color, fontFamily: style.fontFamily, fontSize: style.fontSize, maxWidth: "none", width: "", height: "" });
    return copy;
  }

  // as wide as it is here, where another program has other type
  const fix = (text, wide) => { if (wide) Object.entries({ textLength: wide.toFixed(1), lengthAdjust: "spacingAndGlyphs" }).forEach(([k, v]) => text.setAttribute(k, v)); };

  function chart(node) { // Plotly draws on several layers
    const layers = [...node.querySelectorAll("svg.main-svg")], { width, height } = layers[0].getBoundingClientRect();
    const whole = document.createElementNS(SVG, "svg"), paper = document.createElementNS(SVG, "rect");
    const shown = { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` };
    Object.entries(shown).forEach(([name, value]) => whole.setAttribute(name, value));
    Object.entries({ width, height, fill: ground() }).forEach(([name, value]) => paper.setAttribute(name, value));
    whole.append(paper, ...layers.map(vector));
    whole.querySelectorAll(".draglayer, .hoverlayer, .zoomlayer").forEach((layer) => layer.remove());
    return whole;
  }

  async function imageOf(svg) {
    const image = new Image(), address = URL.createObjectURL(blob(svg.outerHTML, "image/svg+xml"));
    image.src = address;
    await image.decode();
    URL.revokeObjectURL(address);
    return image;
  }

  async function onPaper(svg) {
    const [width, height] = ["width", "height"].map((side) => Number(svg.getAttribute(side))), by = Math.max(1, LEAST / Math.max(width, height));
    for (const [side, value] of Object.entries({ width, height })) svg.setAttribute(side, value * by);
    if (!svg.hasAttribute("viewBox")) svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const canvas = make("canvas", { width: Math.round(width * by), height: Math.round(height * by) }), context = canvas.getContext("2d");
    context.fillStyle = ground();
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(await imageOf(svg), 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  async function pngOf(node) {
    return png(node.savePicture ? node.savePicture(LEAST) : await sheet(node));
  }

  // --- a part of the page as a picture: grounds, frames, pictures and words where they stand

  async function sheet(node) {
    const steps = [...stepsOf(node, 1)];
    await Promise.all(steps.map((step) => step.ready?.()));
    const left = Math.min(...steps.map(({ box }) => box.left)), top = Math.min(...steps.map(({ box }) => box.top));
    const width = Math.max(...steps.map(({ box }) => box.right)) - left, height = Math.max(...steps.map(({ box }) => box.bottom)) - top;
    const by = factor(steps, Math.max(width, height)), alone = steps.length === 1, margin = alone ? 0 : MARGIN * by;
    const canvas = make("canvas", { width: Math.round(width * by + 2 * margin), height: Math.round(height * by + 2 * margin) });
    const context = canvas.getContext("2d");
    if (!alone) {
      context.fillStyle = ground();
      context.fillRect(0, 0, canvas.width, canvas.height);
    }
    for (const { box, opacity, paint } of steps) {
      context.globalAlpha = opacity;
      paint(context, { x: (box.left - left) * by + margin, y: (box.top - top) * by + margin, w: box.width * by, h: box.height * by, by });
    }
    return canvas;
  }

  function factor(steps, length) { // from CSS pixels to those of the file: every pixel of the smallest picture becomes a square of whole pixels
    const wanted = Math.max(1, LEAST / length), pictures = steps.filter((step) => step.natural && !step.smooth);
    if (!pictures.length) return wanted;
    const { natural, box } = pictures.reduce((a, b) => (b.natural < a.natural ? b : a));
    const by = (Math.ceil((wanted * box.width) / natural - 0.01) * natural) / box.width;
    return by * length > MOST ? wanted : by;
  }

  function* stepsOf(node, above) {
    const style = getComputedStyle(node), opacity = above * style.opacity, box = node.getBoundingClientRect();
    if (style.display === "none" || style.visibility === "hidden" || CONTROLS.test(node.tagName)) return;
    if (PICTURE.test(node.tagName)) yield pictureStep(node, box, opacity);
    else if (node.matches("svg")) yield vectorStep(node, box, opacity);
    else {
      if (box.width && hasGround(style)) yield groundStep(style, box, opacity);
      for (const part of partsOf(node)) {
        if (part.nodeType === Node.TEXT_NODE) yield* wordSteps(part, style, opacity);
        else if (part.nodeType === Node.ELEMENT_NODE) yield* stepsOf(part, opacity);
      }
    }
  }

  function pictureStep(node, { left, top, width, height }, opacity) {
    const natural = node.naturalWidth ?? node.width, tall = node.naturalHeight ?? node.height, smooth = Boolean(node.closest("[data-smooth]"));
    const [across, down] = [Math.min(width, (height * natural) / tall), Math.min(height, (width * tall) / natural)]; // all of it is seen, whatever its frame
    const box = new DOMRect(left + (width - across) / 2, top + (height - down) / 2, across, down);
    function paint(context, { x, y, w, h }) {
      const times = Math.round(w / natural), alike = !smooth && times >= 1 && Math.abs(natural * times - w) <= NEAR * w;
      const [wide, high] = alike ? [natural * times, tall * times] : [w, (w * tall) / natural];
      context.imageSmoothingEnabled = !alike;
      context.imageSmoothingQuality = "high";
      context.drawImage(node, Math.round(x + (w - wide) / 2), Math.round(y + (h - high) / 2), wide, high);
    }
    return { box, opacity, natural, smooth, paint };
  }

  function vectorStep(node, box, opacity) {
    const step = { box, opacity, paint(context, { x, y, w, h }) { context.drawImage(step.image, x, y, w, h); } };
    step.ready = async () => { step.image = await imageOf(vector(node)); };
    return step;
  }

  const isClear = (colour) => colour === "transparent" || /, 0\)$/.test(colour);
  const hasGround = (style) => !isClear(style.backgroundColor) || (parseFloat(style.borderTopWidth) && parseFloat(style.borderLeftWidth));

  function groundStep(style, box, opacity) {
    function paint(context, { x, y, w, h, by }) {
      const line = parseFloat(style.borderTopWidth) * by, radius = parseFloat(style.borderTopLeftRadius) || 0;
      context.beginPath();
      context.roundRect(x + line / 2, y + line / 2, w - line, h - line, style.borderTopLeftRadius.endsWith("%") ? (radius / 100) * w : radius * by);
      context.fillStyle = style.backgroundColor;
      context.fill();
      [context.strokeStyle, context.lineWidth] = [style.borderTopColor, line];
      if (line) context.stroke();
    }
    return { box, opacity, paint };
  }

  function* wordSteps(text, style, opacity) { // each word where it stands, whatever line that is
    for (const { 0: word, index } of text.data.matchAll(/\S+/g)) {
      const range = document.createRange();
      range.setStart(text, index);
      range.setEnd(text, index + word.length);
      const box = range.getBoundingClientRect();
      if (!box.width) continue;
      yield { box, opacity, paint(context, { x, y, h, by }) {
        context.font = `${style.fontWeight} ${parseFloat(style.fontSize) * by}px ${style.fontFamily}`;
        context.textBaseline = "middle";
        context.fillStyle = style.color;
        context.fillText(word, x, y + h / 2);
      } };
    }
  }

  // --- the menu

  const model = () => document.querySelector(".st-key-model input")?.value ?? "";

  function fileName(name, kind) { // of the model, and of what is seen of it
    const seed = new URL(location.href).searchParams.get("seed"), whole = `${name.includes(model()) ? "" : model()} ${name}${seed ? ` seed ${seed}` : ""}`;
    return `${whole.normalize("NFKD").replaceAll(/[^\w.-]+/g, "-").slice(0, 80).replaceAll(/^-+|[-.]+$/g, "")}.${kind.toLowerCase()}`;
  }

  async function save(name, kind, file) {
    const link = make("a", { href: URL.createObjectURL(await file()), download: fileName(name, kind) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  function hidesPixels() { // a browser that resists fingerprinting hands out noise
    const context = make("canvas", { width: 1, height: 1 }).getContext("2d");
    context.fillStyle = "#12ab56";
    context.fillRect(0, 0, 1, 1);
    return String(context.getImageData(0, 0, 1, 1).data) !== "18,171,86,255";
  }

  function row({ name, files }) {
    const buttons = Object.entries(files).map(([kind, file]) => {
      const made = make("button", { type: "button", class: "own", "aria-label": `${kind}: ${name}` }, kind);
      made.onclick = () => save(name, kind, file);
      return made;
    });
    return make("div", {}, make("span", { title: name }, name), ...buttons);
  }

  function open(button) {
    document.getElementById("saving")?.remove();
    const list = things(document.querySelector("[data-testid=stMain]")), { bottom, right } = button.getBoundingClientRect();
    const style = `top:${bottom + 6}px;right:${Math.max(8, innerWidth - right)}px;color:${getComputedStyle(button).color};background:${ground()}`;
    const menu = make("div", { id: "saving", popover: "auto", role: "dialog", "aria-label": "Save what is shown", style }, ...list.map(row));
    if (!list.length) menu.append("There is no picture or table here yet.");
    if (hidesPixels()) menu.append(make("p", {}, "This browser keeps the pixels of pages to itself; let it read them, or PNG files will hold noise."));
    document.body.append(menu);
    menu.showPopover();
    menu.querySelector("button")?.focus();
  }

  addEventListener("click", (event) => {
    const button = event.composedPath().find((node) => node.dataset?.does === "save");
    if (button) open(button);
  });
}
