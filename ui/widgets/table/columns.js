// The columns of the table, and its rows in the order of one of them.

const NAME = { title: "model", about: "Name of the checkpoint", of: (row) => row.name, side: "text" };
const KIND = { title: "kind", about: "Which family of models", of: (row) => row.kind, side: "kind" };
const LIKELIHOOD = {
  title: "likelihood", about: "What the likelihood is of; figures compare within one kind alone", of: (row) => row.likelihood || null, side: "text",
};

export function columnsOf({ heads, rows }) {
  const measured = heads.map((column, i) => ({ ...column, of: (row) => row.cells[i].value, text: (row) => row.cells[i].text }));
  return [NAME, KIND, ...(rows.some(({ likelihood }) => likelihood) ? [LIKELIHOOD] : []), ...measured];
}

export const sideOf = (column, rows) => column.side ?? (rows.some((row) => typeof column.of(row) === "string") ? "words" : "");

const compare = (x, y) => (x < y ? -1 : x > y ? 1 : 0);

export function ordered({ rows }, columns, sort) { // sort: a title, with "~" before it for falling values
  const falling = sort.startsWith("~"), column = columns.find(({ title }) => title === sort.replace("~", ""));
  if (!column) return rows;
  return [...rows].sort((p, q) => {
    const a = column.of(p), b = column.of(q);
    if (a === null || b === null) return (a === null) - (b === null); // what was not measured stands last either way
    return (column.within && compare(p.likelihood, q.likelihood)) || (falling ? compare(b, a) : compare(a, b));
  });
}
