// Faces to choose from: one button each, over one sheet of pictures.

function address(parameters) { // in place: a press is no step of the browser's history
  const here = new URL(location.href);
  for (const [name, text] of Object.entries(parameters)) {
    if (text) here.searchParams.set(name, text);
    else here.searchParams.delete(name);
  }
  history.replaceState(history.state, "", here);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".gallery");
  const cells = data.captions.map((caption, i) => {
    const cell = document.createElement("button");
    cell.type = "button";
    cell.title = caption;
    cell.setAttribute("aria-label", caption);
    cell.setAttribute("aria-pressed", String(data.chosen.includes(i)));
    const picture = document.createElement("span");
    picture.style.backgroundImage = `url(data:image/jpeg;base64,${data.sheet})`;
    picture.style.backgroundSize = `${100 * data.captions.length}% 100%`;
    picture.style.backgroundPosition = `${data.captions.length > 1 ? (100 * i) / (data.captions.length - 1) : 0}% 0`;
    cell.append(picture);
    const mark = data.marks[i];
    if (mark) {
      const text = document.createElement("small");
      text.textContent = mark;
      cell.append(text);
    }
    cell.onclick = () => {
      address(data.addresses[i]);
      setTriggerValue("pick", i);
    };
    return cell;
  });
  const focus = [...grid.children].indexOf(grid.getRootNode().activeElement);
  grid.style.setProperty("--columns", data.columns);
  grid.style.setProperty("--few", Math.ceil(data.columns / 2));
  grid.replaceChildren(...cells);
  grid.dataset.ready = "true";
  if (focus >= 0) cells[focus]?.focus();
}
