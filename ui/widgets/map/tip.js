// The point under the pointer, and its picture beside it at once, from the sprite.

import { clamp } from "../shared.js";
import { cut } from "./dots.js";

export function makeTip(map, root) {
  const box = root.querySelector(".plot"), tip = root.querySelector(".tip");

  function hover(i) { // -1: none
    if (i === map.hovered) return;
    map.hovered = i;
    box.dataset.hovered = i;
    map.mark();
    if (i < 0 || !map.sprites[0]) { tip.hidden = true; return; }
    tip.querySelectorAll("canvas").forEach((canvas, k) => {
      canvas.hidden = !map.sprites[k];
      if (map.sprites[k]) canvas.getContext("2d").drawImage(map.sprites[k], ...cut(i), 0, 0, canvas.width, canvas.height);
    });
    tip.querySelector("p").textContent = map.describe(i);
    placeTip();
  }

  function placeTip() { // beside its point wherever that goes; none where it is out of view
    const { side, hovered } = map, [px, py] = hovered < 0 ? [-1, -1] : map.placeOf(hovered);
    tip.hidden = !map.sprites[0] || Math.min(px, py) < 0 || Math.max(px, py) > side || !map.shows(hovered);
    if (tip.hidden) return;
    const wide = tip.offsetWidth, high = tip.offsetHeight;
    tip.style.left = `${clamp(px + (px > side - wide - 24 ? -wide - 18 : 18), 4, side - wide - 4)}px`;
    tip.style.top = `${clamp(py - high / 2, 4, Math.max(4, side - high - 4))}px`;
  }

  return { hover, placeTip };
}
