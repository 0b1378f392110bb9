// A morph through two or more kept points, along great circles or straight lines, and as a strip of pictures.

const STRIP = 12; // pictures from each kept point to the next

function between(a, b, t, spherical) {
  const length = (v) => Math.hypot(...v), dot = a.reduce((sum, v, i) => sum + v * b[i], 0);
  const angle = Math.acos(Math.max(-1, Math.min(1, dot / (length(a) * length(b) || 1))));
  if (!spherical || Math.sin(angle) < 1e-4) return a.map((v, i) => (1 - t) * v + t * b[i]); // no unique great circle
  const [p, q] = [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
  return a.map((v, i) => p * v + q * b[i]);
}

function makePlayer(explorer) {
  let kept = [], place = 0, playing = 0, before = 0, seen = true;
  const shown = picture("The picture on the way"), list = element("div", { class: "kept" });
  const way = element("select", { "aria-label": "Path" }, element("option", { value: "spherical" }, "Spherical"), element("option", { value: "straight" }, "Straight"));
  const speed = element("select", { "aria-label": "Speed" }, ...[["0.5", "Slow"], ["1", "Normal"], ["2", "Fast"]].map(([value, name]) => element("option", { value }, name)));
  speed.value = "1";
  const slider = element("input", { type: "range", min: 0, max: 1, step: 0.001, value: 0, "aria-label": "Place on the way" });
  const play = button("Play", () => (playing ? stop() : begin())), strip = button("Save strip (PNG)", save), clear = button("Clear", () => { kept = []; refresh(); });
  const box = element("div", { class: "morph" }, element("figure", {}, shown), element("div", {}, slider, element("div", { class: "bar" }, play, way, speed, strip, clear)));
  const note = element("p", { class: "note" }, "Keep two or more points to see the way from each to the next.");
  const at = (t) => { // t from 0 to 1 over all kept points and back to the first
    const stops = [...kept, kept[0]], along = t * kept.length, i = Math.min(kept.length - 1, Math.floor(along));
    return between(stops[i].z, stops[i + 1].z, along - i, way.value === "spherical");
  };
  const labels = () => (data.labels.length ? [explorer.label()] : undefined);

  function draw() {
    if (kept.length < 2) return;
    try { paint(shown, explorer.decode([at(place)], labels())); } catch (error) { show(error); }
    box.dataset.shown = String(place);
  }
  function tick(now) {
    if (!playing) return;
    if (seen) {
      place = (place + (Math.min(100, now - before) / 1000) * Number(speed.value) * 0.4 / kept.length) % 1;
      slider.value = place;
      draw();
    }
    before = now;
    playing = requestAnimationFrame(tick);
  }
  function begin() { before = performance.now(); playing = requestAnimationFrame(tick); refresh(); }
  function stop() { cancelAnimationFrame(playing); playing = 0; refresh(); }
  function refresh() {
    const enough = kept.length >= 2;
    if (!enough && playing) { cancelAnimationFrame(playing); playing = 0; }
    box.hidden = !enough;
    note.hidden = enough;
    play.textContent = playing ? "Pause" : "Play";
    list.replaceChildren(...kept.map((point, i) => element("div", {}, point.show(i))));
    draw();
  }
  function keep() {
    const z = explorer.point(), small = picture("");
    paint(small, explorer.decode([z], labels()));
    const show_ = (i) => {
      const made = button("", () => explorer.go(z), { "aria-label": `Go to kept point ${i + 1}`, title: `Go to kept point ${i + 1}` });
      made.append(small);
      return made;
    };
    kept.push({ z, show: show_ });
    refresh();
  }
  function save() {
    const count = STRIP * kept.length, scale = Math.max(1, Math.round(64 / WIDTH));
    const sheet = element("canvas", { width: WIDTH * scale * (count + 1), height: HEIGHT * scale }), context = sheet.getContext("2d"), one = picture("");
    context.imageSmoothingEnabled = false;
    for (let i = 0; i <= count; i++) {
      paint(one, explorer.decode([at(i / count)], labels()));
      context.drawImage(one, i * WIDTH * scale, 0, WIDTH * scale, HEIGHT * scale);
    }
    sheet.toBlob((blob) => {
      const link = element("a", { href: URL.createObjectURL(blob), download: `${data.name}-morph.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    }, "image/png");
  }
  slider.oninput = () => { place = Number(slider.value) % 1; draw(); };
  way.onchange = draw;
  new IntersectionObserver((entries) => { seen = entries.at(-1).isIntersecting; }).observe(box); // out of view it rests
  refresh();
  return [element("h2", {}, "Morph"), element("div", { class: "bar" }, button("Keep this point", keep), list), note, box];
}
