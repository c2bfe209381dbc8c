// Elements from data. Text is only ever text: nothing here, or elsewhere on this page, reads markup from an answer.

/** Returns the page's element with this id. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`no element #${id}`);
  }
  return found;
}

/**
 * Makes an element. Children are elements or text; those that are null are left out.
 * An attribute whose name begins with "on" is a listener.
 */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) {
      made.addEventListener(key.slice(2), value);
    } else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(key, value === true ? "" : value);
    }
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** Shows `children` and nothing else in `place`. */
export function show(place, ...children) {
  place.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

/** A table. A column is {title, number: whether it holds numbers, cell: what it shows of a row}. */
export function table(caption, columns, rows, chosen = () => false) {
  return el("div", { class: "scroll" },
    el("table", {},
      caption ? el("caption", {}, caption) : null,
      el("thead", {}, el("tr", {}, columns.map((c) => el("th", { scope: "col", class: c.number ? "number" : null }, c.title)))),
      el("tbody", {}, rows.map((row) =>
        el("tr", { class: chosen(row) ? "chosen" : null },
          columns.map((c) => el("td", { class: c.number ? "number" : c.nowrap ? "nowrap" : null }, c.cell(row))))))));
}

/** Names and what they stand for; an entry whose value is null is left out. */
export function facts(entries) {
  return el("dl", {}, entries
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** A failure in words. */
export function failure(error) {
  return el("p", { class: "failure", role: "alert" },
    error.reason ? `${error.message} (${error.reason})` : String(error.message || error));
}
