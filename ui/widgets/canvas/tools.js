// The buttons below a board.

import { button, element, group } from "../shared.js";

const SIZE_NAMES = ["Thin", "Medium", "Thick"];

export function makeTools(board) {
  const choose = (choice) => { Object.assign(board, choice); refresh(); board.keep(); };
  const tools = [button(board.pen, () => choose({ erasing: false })), button("Eraser", () => choose({ erasing: true }))];
  const dots = board.sizes.map((_, size) => {
    const width = `${8 * (size + 1)}px`, dot = element("span", { class: "dot", style: `width:${width};height:${width}` });
    return button(dot, () => choose({ size }), { "aria-label": `${SIZE_NAMES[size]} ${board.pen.toLowerCase()}`, class: "size" });
  });
  const undo = button("Undo", () => board.undo()), redo = button("Redo", () => board.redo());
  const steps = [undo, redo, button("Clear", () => board.clear())];

  function refresh() {
    tools.forEach((tool, i) => tool.setAttribute("aria-pressed", Boolean(i) === board.erasing));
    dots.forEach((dot, i) => dot.setAttribute("aria-pressed", i === board.size));
    undo.disabled = !board.strokes.length;
    redo.disabled = !board.undone.length;
  }

  const bar = element("div", { class: "tools" }, group("Tool", ...tools), group("Size", ...dots), group("Steps", ...steps));
  return { bar, refresh };
}
