// What the live control, the canvas and the map have in common.

export const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

export function button(content, action, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, content);
  made.onclick = action;
  return made;
}

export const group = (name, ...parts) => element("div", { class: "group", role: "group", "aria-label": name }, ...parts);

// A word that says what it means when it is pressed: ui/shell/glossary.js knows it.
export const explained = (word) => element("button", {
  type: "button", "data-word": word, style: "all:revert;font:inherit;color:inherit;background:none;border:0;padding:0 0.1rem;" +
    "margin:0 -0.1rem;min-width:0;height:auto;cursor:help;text-decoration:underline dotted;display:inline",
}, word);

export const clamp = (v, low, high) => Math.max(low, Math.min(high, v));

export function putPixels(canvas, pixels, channels) { // uint8, row by row, grey or RGB
  const image = new ImageData(canvas.width, canvas.height);
  for (let i = 0; i < canvas.width * canvas.height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[i * channels + (channels === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

export const SLOP = 8; // pixels after which a finger has shown where it goes

// A pointer moves a slider by parts of the step that a key makes, or a slow hand would see the picture stand still.
export function stepFinely(slider, step) {
  slider.addEventListener("pointerdown", () => { slider.step = step() / 5; });
  slider.addEventListener("keydown", () => { slider.step = step(); });
}

// A finger may want to scroll past a slider, but browsers move the slider as soon as they are touched. Call this before
// the slider gets its other listeners: a touch moves it once it goes sideways, or lifts where it began.
export function scrollPast(slider) {
  let touch = null; // {at: where it began, before, wanted: values}, until it is clear what it is
  const is = (event) => touch && event.pointerType === "touch";
  slider.addEventListener("pointerdown", (event) => {
    const { pointerType, clientX, clientY } = event, before = slider.value;
    if (pointerType === "touch") touch = { at: [clientX, clientY], before, wanted: before };
  });
  slider.addEventListener("input", (event) => {
    if (!touch) return;
    touch.wanted = slider.value;
    slider.value = touch.before;
    event.stopImmediatePropagation();
  });
  slider.addEventListener("pointermove", (event) => {
    const across = is(event) && Math.abs(event.clientX - touch.at[0]);
    if (across >= SLOP && across > Math.abs(event.clientY - touch.at[1])) touch = null;
  });
  slider.addEventListener("pointercancel", () => { touch = null; }); // it scrolls
  slider.addEventListener("pointerup", (event) => {
    if (!is(event)) return;
    slider.value = touch.wanted;
    touch = null;
    for (const name of ["input", "change"]) slider.dispatchEvent(new Event(name));
  });
}
