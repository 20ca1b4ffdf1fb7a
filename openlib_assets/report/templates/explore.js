"use strict";
// Tables to search and sort, of what stands in the page. All text is set as text, never as HTML.
const page = (() => {
  const SITE = "https://openlibrary.org";
  const STEP = 25;
  const data = JSON.parse(document.getElementById("data").textContent);
  const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });
  const whole = new Intl.NumberFormat("en");
  const real = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.append(...children);
    return made;
  };
  const link = (address, text) => element("a", { href: address }, element("bdi", {}, text));
  // A date that stays on one line.
  const unbroken = (text) => text.replaceAll("-", "\u2011");
  const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const authorLink = (key, name) => link(`${SITE}/authors/${key}`, name || key);
  const workLink = (key, title) => link(`${SITE}/${key.endsWith("M") ? "books" : "works"}/${key}`, title || key);

  // A column: its name, the value to sort by, and what a cell shows; kind is text, word, whole, real or drawing.
  const TEXTS = ["text", "word"];
  const kind = (column) => (TEXTS.includes(column.kind) ? column.kind : "number");
  const show = (column, row) => {
    if (column.cell) return column.cell(row);
    const value = column.value(row);
    if (value === null) return "";
    return column.kind === "whole" ? whole.format(value) : column.kind === "real" ? real.format(value) : String(value);
  };
  const compared = (one, other, column) => {
    const [a, b] = [column.value(one), column.value(other)];
    if (a === null || b === null) return { missing: (a === null) - (b === null), order: 0 };
    return { missing: 0, order: TEXTS.includes(column.kind) ? collator.compare(a, b) : a - b };
  };

  // `search` gives the text of a row to search in, `keep` whether to show it at all; `more` are controls beside the search.
  const explore = (root, { name, columns, rows, sorted, search, keep = () => true, more = [], step = STEP }) => {
    let order = sorted, shown = step, found = rows;
    const box = element("input", { type: "search", autocomplete: "off" });
    const status = element("p", { role: "status", class: "muted" });
    const body = element("tbody");
    const next = element("button", { type: "button", class: "action" }, "Show more");
    const heads = columns.map((column) => {
      const head = element("th", { scope: "col", class: kind(column) });
      if (column.kind === "drawing") {
        head.append(column.name);
        return head;
      }
      const button = element("button", { type: "button" }, column.name);
      button.addEventListener("click", () => {
        const again = order && order.column === column;
        order = { column, down: again ? !order.down : !TEXTS.includes(column.kind) };
        render();
      });
      head.append(button);
      return head;
    });

    const render = () => {
      const wanted = folded(box.value.trim());
      found = rows.filter((row) => keep(row) && (!wanted || folded(search(row)).includes(wanted)));
      // Until the reader says otherwise, rows without an order of their own stay as they come.
      const sign = order && order.down ? -1 : 1;
      if (order) found.sort((one, other) => {
        const difference = compared(one, other, order.column);
        return difference.missing || sign * difference.order;
      });
      columns.forEach((column, place) => {
        if (order && column === order.column) heads[place].setAttribute("aria-sort", order.down ? "descending" : "ascending");
        else heads[place].removeAttribute("aria-sort");
      });
      body.replaceChildren(...found.slice(0, shown).map((row) =>
        element("tr", {}, ...columns.map((column) =>
          element("td", { class: kind(column) }, show(column, row))))));
      status.textContent = `${whole.format(Math.min(shown, found.length))} of ${whole.format(found.length)} ${name} shown`;
      next.hidden = shown >= found.length;
    };

    const renew = () => { shown = step; render(); };
    box.addEventListener("input", renew);
    next.addEventListener("click", () => { shown += 4 * STEP; render(); });
    root.append(
      element("div", { class: "controls" }, element("label", {}, `Search ${name}`, box), ...more),
      element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": `Table of ${name}` },
        element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body)),
      status, next);
    render();
    return { render, renew, found: () => found };
  };

  // Fill each place for a table with what is made for its name.
  const fill = (tables) => {
    document.querySelectorAll("[data-explore]").forEach((root) => tables[root.dataset.explore](root));
  };
  return { data, element, link, authorLink, workLink, unbroken, whole, explore, fill };
})();
