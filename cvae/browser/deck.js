// In a slide: a press on an embedded page takes the keyboard, so what no control here uses is handed to the deck around it,
// and all of it once the mouse has left. A slider uses Left and Right alone, a pad all four arrows.
// reveal.js does what such a message says as if the key had been pressed there; anyone else leaves it alone.

const DECK_KEYS = { ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, PageUp: 33, PageDown: 34, Escape: 27 };
const WRITTEN = "textarea, [contenteditable], input:not([type=range], [type=button], [type=checkbox], [type=radio])";
const TURNED = "select, [type=radio], [role=radiogroup] *, [role=slider], [role=tab], [role=option], [role=combobox], [role=grid] *";
const COVERS = "[role=dialog], [role=listbox], [role=menu], dialog[open]"; // what Escape closes

function usesKey(control, key) {
  if (key === "Escape") return document.querySelector(COVERS) !== null;
  if (!control?.matches) return false;
  if (control.matches(WRITTEN)) return true;
  if (control.matches("input[type=range]")) return key === "ArrowLeft" || key === "ArrowRight";
  return key.startsWith("Arrow") && control.matches(TURNED);
}

let onSlide = true; // reveal.js says when it shows another slide: what is on those by their side may lie within the window, unseen
addEventListener("message", ({ source, data }) => {
  if (source === window.parent && (data === "slide:stop" || data === "slide:start")) onSlide = data === "slide:start";
});

function giveKeysBack() {
  const root = document.documentElement;
  if (window.parent === window || root.classList.contains("framed")) return;
  root.classList.add("framed");
  addEventListener("keydown", (event) => {
    const code = DECK_KEYS[event.key];
    if (!code || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (usesKey(event.composedPath()[0], event.key)) return;
    event.preventDefault();
    window.parent.postMessage(JSON.stringify({ method: "triggerKey", args: [code] }), "*");
  });
  root.addEventListener("pointerleave", ({ pointerType, buttons }) => { // a mouse that goes takes its keys along
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    if (pointerType !== "mouse" || buttons || !document.hasFocus() || active?.matches(WRITTEN)) return;
    active?.blur();
    window.parent.focus();
  });
}
