// A morph through two or more kept points, along great circles or straight lines, and as a strip of pictures.

const STRIP = 12, PACE = 0.4; // pictures from each kept point to the next; of the way to it in a second
const FEW = "Keep two or more points to see the way from each to the next.";

function between(a, b, t, spherical) {
  const length = (v) => Math.hypot(...v), dot = a.reduce((sum, v, i) => sum + v * b[i], 0);
  const angle = Math.acos(Math.max(-1, Math.min(1, dot / (length(a) * length(b) || 1))));
  if (!spherical || Math.sin(angle) < 1e-4) return a.map((v, i) => (1 - t) * v + t * b[i]); // no unique great circle
  const [p, q] = [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
  return a.map((v, i) => p * v + q * b[i]);
}

function makePlayer(explorer) {
  let kept = [], place = 0, looping = true;
  const { shown, list, way, speed, slider, bar } = makePlayerControls({ toggle, loop, keep, save, clear }), note = element("p", { class: "note" }, FEW);
  const box = element("div", { class: "morph" }, element("figure", {}, shown), element("div", {}, slider, bar.root));
  const clock = makeClock(box, step, () => refresh());
  const steps = () => kept.length - (looping ? 0 : 1);
  const labels = () => (data.labels.length ? [explorer.label()] : undefined);
  const at = (t) => { // t from 0 to 1 over all kept points, in a loop back to the first
    const stops = [...kept, kept[0]], along = t * steps(), i = Math.min(steps() - 1, Math.floor(along));
    return between(stops[i].z, stops[i + 1].z, along - i, way.value === "spherical");
  };

  function draw() {
    if (kept.length < 2) return;
    try { paint(shown, explorer.decode([at(place)], labels())); } catch (error) { show(error); }
    box.dataset.shown = String(place);
  }
  function step(seconds) { // on the way; tell whether it goes on
    place += (seconds * Number(speed.value) * PACE) / steps();
    const over = place >= 1 && !looping;
    place = over ? 1 : place % 1;
    slider.value = place;
    draw();
    return !over;
  }
  function refresh() {
    const enough = kept.length >= 2;
    box.hidden = !enough;
    note.hidden = enough;
    bar.play.textContent = clock.runs() ? "Pause" : "Play";
    bar.loop.setAttribute("aria-pressed", String(looping));
    list.replaceChildren(...kept.map(({ made }) => made));
    draw();
  }
  function toggle() {
    if (place >= 1) place = 0;
    if (clock.runs()) clock.stop(); else clock.start();
  }
  function loop() { looping = !looping; refresh(); }
  function keep() {
    const z = explorer.point(), small = picture(""), says = `Go to kept point ${kept.length + 1}`;
    const made = button("", () => explorer.go(z), { "aria-label": says, title: says });
    paint(small, explorer.decode([z], labels()));
    made.append(small);
    kept.push({ z, made });
    refresh();
  }
  function clear() { kept = []; clock.stop(); }
  function save() {
    const count = STRIP * steps();
    saveStrip(Array.from({ length: count + 1 }, (_, i) => explorer.decode([at(i / count)], labels())));
  }
  slider.oninput = () => { place = Number(slider.value); draw(); };
  way.onchange = draw;
  refresh();
  return [element("h2", {}, "Morph"), element("div", { class: "bar" }, bar.keep, list), note, box];
}

function makePlayerControls({ toggle, loop, keep, save, clear }) {
  const choice = (name, options, chosen) => {
    const made = element("select", { "aria-label": name }, ...options.map(([value, says]) => element("option", { value }, says)));
    made.value = chosen;
    return made;
  };
  const way = choice("Path", [["spherical", "Spherical"], ["straight", "Straight"]], "spherical");
  const speed = choice("Speed", [["0.5", "Slow"], ["1", "Normal"], ["2", "Fast"]], "1");
  const slider = element("input", { type: "range", min: 0, max: 1, step: 0.001, value: 0, "aria-label": "Place on the way" });
  const play = button("Play", toggle), again = button("Loop", loop);
  const root = element("div", { class: "bar" }, play, again, way, speed, button("Save strip (PNG)", save), button("Clear", clear));
  const bar = { root, play, loop: again, keep: button("Keep this point", keep) };
  return { shown: picture("The picture on the way"), list: element("div", { class: "kept" }), way, speed, slider, bar };
}

// What calls step(seconds) for every frame until that says no; out of view and on another slide it rests. `changed` hears of start and stop.
function makeClock(box, step, changed) {
  let playing = 0, before = 0, seen = true;
  new IntersectionObserver((entries) => { seen = entries.at(-1).isIntersecting; }).observe(box);
  const clock = {
    runs: () => playing > 0,
    start() { before = performance.now(); playing = requestAnimationFrame(tick); changed(); },
    stop() { cancelAnimationFrame(playing); playing = 0; changed(); },
  };
  function tick(now) {
    const goesOn = !(seen && onSlide) || step(Math.max(0, Math.min(100, now - before)) / 1000);
    before = now;
    if (!goesOn) clock.stop(); else if (playing) playing = requestAnimationFrame(tick);
  }
  return clock;
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
