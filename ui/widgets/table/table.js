// The table of the zoo. A press on a head sorts by that column, a second press turns the order round; no request is made.
// A press on a row tells Python to compare that model.
// Likelihoods compare within one protocol alone, so columns marked `within` are sorted inside each of them.

import { mount, writeAddress } from "../bridge.js";
import { element } from "../shared.js";
import { columnsOf, ordered, sideOf } from "./columns.js";

const FEW = 11; // rows that fill the window; of fewer none is taller

function create(root, host) {
  const head = root.querySelector("thead"), body = root.querySelector("tbody");
  const frame = root.querySelector(".frame"), box = root.querySelector(".zoo");
  let data, sort = null; // as in columns.js

  function press(title) {
    sort = sort === title ? `~${title}` : title;
    writeAddress({ [data.parameter]: sort });
    draw();
    tell(title);
    host.set("sort", sort);
    [...head.querySelectorAll("button")].find((button) => button.dataset.title === title).focus();
  }

  function tell(title) { // what a column says, for fingers too, which have no pointer to rest on its head
    root.querySelector(".about").textContent = `${title}: ${columnsOf(data).find((each) => each.title === title).about}.`;
  }

  function draw() {
    const all = columnsOf(data), sides = all.map((column) => sideOf(column, data.rows));
    head.replaceChildren(element("tr", {}, ...all.map(({ title, about }, i) => {
      const way = sort === title ? "ascending" : sort === `~${title}` ? "descending" : "none";
      const button = element("button", { title: about, type: "button", "data-title": title }, title);
      button.onclick = () => press(title);
      button.onfocus = () => tell(title);
      return element("th", { scope: "col", "aria-sort": way, class: sides[i] }, button);
    })));
    body.replaceChildren(...ordered(data, all, sort).map((row) => {
      const button = element("button", { type: "button", title: `Compare ${row.name}` }, row.name);
      const cells = all.slice(1).map((column, i) => {
        const value = column.of(row) ?? ""; // as it is measured, for *Save*
        return element("td", { class: sides[i + 1], "data-value": value }, column.text?.(row) ?? (value || "-"));
      });
      const line = element("tr", { "data-name": row.name }, element("th", { scope: "row" }, button), ...cells);
      line.onclick = () => host.trigger("pick", row.name);
      return line;
    }));
    mark();
    cue();
  }

  function mark() {
    for (const line of body.children) {
      const marks = ["A", "B"].filter((_, i) => data.chosen[i] === line.dataset.name).join(" ");
      line.classList.toggle("chosen", marks !== "");
      const button = line.querySelector("button");
      button.dataset.mark = marks;
      button.setAttribute("aria-pressed", String(marks !== ""));
    }
  }

  const cue = () => frame.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
  box.onscroll = cue;
  new ResizeObserver(cue).observe(box);

  function update(fresh, differs) {
    data = fresh;
    sort ??= data.sort;
    root.querySelector(".about").textContent ||= "Press the head of a column to read what it says and to sort by it.";
    body.parentElement.dataset.save = data.title;
    body.parentElement.style.setProperty("--rows", Math.max(FEW, data.rows.length));
    if (differs("rows")) draw();
    else mark(); // without drawing, lest what was pressed lose the focus
  }

  return { update };
}

export default mount("table", create);
