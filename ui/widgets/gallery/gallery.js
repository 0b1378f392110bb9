// Faces to choose from: one button each, over one sheet of pictures.

import { mount, writeAddress } from "../bridge.js";
import { element } from "../shared.js";

function laidOut({ columns, captions }, sheet, wanted) { // the pictures as they stand on a large screen, without the gaps
  const rows = Math.ceil(captions.length / columns), own = sheet.naturalHeight, side = Math.max(own, Math.ceil(wanted / columns));
  const canvas = element("canvas", { width: columns * side, height: rows * side }), paper = canvas.getContext("2d");
  captions.forEach((_, i) => {
    paper.drawImage(sheet, i * own, 0, own, own, (i % columns) * side, Math.floor(i / columns) * side, side, side);
  });
  return canvas;
}

function create(root, host) {
  const grid = root.querySelector(".gallery");

  function cell(data, i) {
    const { captions, sheet, marks } = data, place = captions.length > 1 ? (100 * i) / (captions.length - 1) : 0;
    const picture = element("span");
    picture.style.backgroundImage = `url(data:image/jpeg;base64,${sheet})`;
    picture.style.backgroundSize = `${100 * captions.length}% 100%`;
    picture.style.backgroundPosition = `${place}% 0`;
    const said = { title: captions[i], "aria-pressed": data.chosen.includes(i), ...(marks[i] ? {} : { "aria-label": captions[i] }) };
    const made = element("button", { type: "button", ...said }, picture, ...(marks[i] ? [element("small", {}, marks[i])] : []));
    made.onclick = () => {
      writeAddress(data.addresses[i]);
      host.trigger("pick", i);
    };
    return made;
  }

  function update(data) {
    const cells = data.captions.map((_, i) => cell(data, i));
    const focus = [...grid.children].indexOf(grid.getRootNode().activeElement);
    grid.style.setProperty("--columns", data.columns);
    grid.style.setProperty("--few", Math.ceil(data.columns / 2));
    grid.replaceChildren(...cells);
    if (data.title) {
      const sheet = element("img", { src: `data:image/jpeg;base64,${data.sheet}` });
      grid.dataset.save = data.title;
      grid.setAttribute("aria-label", data.title);
      grid.style.setProperty("--shape", data.columns / Math.ceil(data.captions.length / data.columns));
      grid.savePicture = (wanted) => laidOut(data, sheet, wanted);
    }
    grid.dataset.ready = "true";
    if (focus >= 0) cells[focus]?.focus();
  }

  return { update };
}

export default mount("gallery", create);
