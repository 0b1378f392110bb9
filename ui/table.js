// The table of the zoo. A press on a head sorts by that column, a second press turns the order round; no request is made.
// Likelihoods compare within one protocol alone, so columns marked `within` are sorted inside each of them.
// ui/shared.js stands before this text.

function create(root) {
  const head = root.querySelector("thead"), body = root.querySelector("tbody");
  let data, setStateValue, sort = null; // sort: a title, with "~" before it for falling values

  const columns = () => [
    { title: "model", about: "Name of the checkpoint", of: (row) => row.name },
    { title: "kind", about: "Which family of models", of: (row) => row.kind },
    { title: "pixels", about: "What its likelihood is measured on; likelihoods compare within one kind alone", of: (row) => row.likelihood || null },
    ...data.heads.map((column, i) => ({ ...column, of: (row) => row.cells[i].value })),
  ];

  function ordered() {
    const falling = sort.startsWith("~"), column = columns().find(({ title }) => title === sort.replace("~", ""));
    if (!column) return data.rows;
    const by = (x, y) => (x < y ? -1 : x > y ? 1 : 0);
    return [...data.rows].sort((p, q) => {
      const a = column.of(p), b = column.of(q);
      if (a === null || b === null) return (a === null) - (b === null); // what was not measured stands last either way
      return (column.within && by(p.likelihood, q.likelihood)) || (falling ? by(b, a) : by(a, b));
    });
  }

  function press(title) {
    sort = sort === title ? `~${title}` : title;
    const here = new URL(location.href);
    here.searchParams.set("sort", sort);
    history.replaceState(history.state, "", here);
    draw();
    setStateValue("sort", sort);
    [...head.querySelectorAll("button")].find((button) => button.dataset.title === title).focus();
  }

  function draw() {
    head.replaceChildren(element("tr", {}, ...columns().map(({ title, about }, i) => {
      const way = sort === title ? "ascending" : sort === `~${title}` ? "descending" : "none";
      const button = element("button", { title: about, type: "button", "data-title": title }, title);
      button.onclick = () => press(title);
      return element("th", { scope: "col", "aria-sort": way, class: i < 3 ? "text" : "" }, button);
    })));
    body.replaceChildren(...ordered().map((row) => element(
      "tr", { class: data.chosen.includes(row.name) ? "chosen" : "" },
      element("th", { scope: "row" }, row.name),
      ...[row.kind, row.likelihood || "-"].map((text) => element("td", { class: "text" }, text)),
      ...row.cells.map(({ text }) => element("td", {}, text)),
    )));
  }

  function update(fresh, set) {
    setStateValue = set;
    const shown = JSON.stringify([data?.rows, data?.chosen]) === JSON.stringify([fresh.rows, fresh.chosen]);
    data = fresh;
    sort ??= data.sort;
    if (!shown) draw(); // else the head that was pressed would lose the focus
  }

  return { update };
}

export default function ({ data, parentElement, setStateValue }) {
  parentElement.__table ??= create(parentElement);
  parentElement.__table.update(data, setStateValue);
}
