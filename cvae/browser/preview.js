// The picture alone, which moves by itself: what an index page shows of a file (#view=picture). Out of view it rests.

const SECONDS = 2.5; // from one point to the next

function makePreview(model) {
  const canvas = picture(`Pictures of ${data.name}`), still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const next = data.sheet && data.sheet !== "reconstruct" ? changingInput(model) : changingPoint(model);
  let time = 0;
  const clock = makeClock(canvas, (seconds) => {
    time += seconds / SECONDS;
    try { paint(canvas, next(time)); } catch (error) { show(error); }
    canvas.dataset.shown = String(time);
    return !still;
  }, () => onSlide, () => {});
  document.body.classList.add("preview");
  clock.start();
  return canvas;
}

function changingPoint(model) { // from one random point to another along great circles
  let from = [...data.start.z], to = randomPoint(), number = 0;
  const c = () => (data.labels.length ? { c: oneHot([data.labels[(data.start.label + number) % data.labels.length].label]) } : {});
  return (time) => {
    if (Math.floor(time) !== number) { number = Math.floor(time); from = to; to = randomPoint(); }
    return model.run("decoder", { u: between(from, to, time - number, true), ...c() }).pixels;
  };
}

function changingInput(model) { // of the drawn example: other noise to clean, or other completions
  const x = exampleDigit(), visible = x.map((_, i) => firstVisible(i)), u = changingNoise(data.program.latent), noise = changingNoise(x.length);
  if (data.sheet === "inpaint") return (time) => model.run("decoder", { u: u(time), x, visible }).pixels;
  const dirty = (time) => { const n = noise(time); return x.map((v, i) => Math.max(0, Math.min(1, v + 0.5 * n[i]))); };
  return (time) => (time % 2 < 1 ? dirty(time) : model.run("denoising", { x: dirty(time) }).clean);
}

function changingNoise(count) {
  const draw = () => Array.from({ length: count }, normal);
  let from = draw(), to = draw(), number = 0;
  return (time) => {
    if (Math.floor(time) !== number) { number = Math.floor(time); from = to; to = draw(); }
    return between(from, to, time - number, true);
  };
}
