"use strict";
// Tables to search, sort and export; a list whose weights the reader sets. All text is set as text, never as HTML.
(() => {
  const SITE = "https://openlibrary.org";
  const STEP = 25;
  const CHARTED_YEARS = 100;
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
  const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const authorLink = (key, name) => link(`${SITE}/authors/${key}`, name || key);
  const workLink = (key, title) => link(`${SITE}/${key.endsWith("M") ? "books" : "works"}/${key}`, title || key);

  const sparkline = (years, counts, first, last) => {
    const namespace = "http://www.w3.org/2000/svg";
    const width = 120, height = 24, most = Math.max(1, ...counts), step = width / (last - first + 1);
    const svg = document.createElementNS(namespace, "svg");
    const books = (number) => `${whole.format(number)} ${number === 1 ? "book" : "books"}`;
    const says = years.map((year, place) => `${year}: ${books(counts[place])}`).join(", ") || "no dated book";
    const attributes = { class: "sparkline", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": says };
    Object.entries(attributes).forEach(([key, value]) => svg.setAttribute(key, value));
    const title = document.createElementNS(namespace, "title");
    title.textContent = says;
    svg.append(title);
    years.forEach((year, place) => {
      if (year < first) return;
      const bar = document.createElementNS(namespace, "rect");
      const tall = (counts[place] / most) * height;
      const box = { x: (year - first) * step, y: height - tall, width: Math.max(1, step - 0.5), height: tall };
      Object.entries(box).forEach(([key, value]) => bar.setAttribute(key, value));
      svg.append(bar);
    });
    return svg;
  };

  // A column: its name, the value to sort by, and what a cell shows; kind is text, whole, real or drawing.
  const show = (column, row) => {
    if (column.cell) return column.cell(row);
    const value = column.value(row);
    if (value === null) return "";
    return column.kind === "whole" ? whole.format(value) : column.kind === "real" ? real.format(value) : String(value);
  };
  const compared = (one, other, column) => {
    const [a, b] = [column.value(one), column.value(other)];
    if (a === null || b === null) return { missing: (a === null) - (b === null), order: 0 };
    return { missing: 0, order: column.kind === "text" ? collator.compare(a, b) : a - b };
  };

  const explore = (root, { name, columns, rows, sorted, search, more = [] }) => {
    let order = sorted, shown = STEP, found = rows;
    const box = element("input", { type: "search", autocomplete: "off" });
    const status = element("p", { role: "status", class: "muted" });
    const body = element("tbody");
    const next = element("button", { type: "button", class: "action" }, "Show more");
    const heads = columns.map((column) => {
      const kind = column.kind === "text" ? "text" : "number";
      const head = element("th", { scope: "col", class: kind });
      if (column.kind === "drawing") {
        head.append(column.name);
        return head;
      }
      const button = element("button", { type: "button" }, column.name);
      button.addEventListener("click", () => {
        const again = order.column === column;
        order = { column, down: again ? !order.down : column.kind !== "text" };
        render();
      });
      head.append(button);
      return head;
    });

    const render = () => {
      const wanted = folded(box.value.trim());
      found = wanted ? rows.filter((row) => folded(search(row)).includes(wanted)) : [...rows];
      const sign = order.down ? -1 : 1;
      found.sort((one, other) => {
        const difference = compared(one, other, order.column);
        return difference.missing || sign * difference.order;
      });
      columns.forEach((column, place) => {
        if (column === order.column) heads[place].setAttribute("aria-sort", order.down ? "descending" : "ascending");
        else heads[place].removeAttribute("aria-sort");
      });
      body.replaceChildren(...found.slice(0, shown).map((row) =>
        element("tr", {}, ...columns.map((column) =>
          element("td", { class: column.kind === "text" ? "text" : "number" }, show(column, row))))));
      status.textContent = `${whole.format(Math.min(shown, found.length))} of ${whole.format(found.length)} ${name} shown`;
      next.hidden = shown >= found.length;
    };

    box.addEventListener("input", () => { shown = STEP; render(); });
    next.addEventListener("click", () => { shown += 4 * STEP; render(); });
    root.append(
      element("div", { class: "controls" }, element("label", {}, `Search ${name}`, box), ...more),
      element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": `Table of ${name}` },
        element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body)),
      status, next);
    render();
    return { render, found: () => found };
  };

  const authors = (root) => {
    const rows = data.authors;
    const years = rows.flatMap((row) => row.years);
    const last = years.reduce((a, b) => Math.max(a, b), -Infinity);
    const first = years.reduce((a, b) => (b > last - CHARTED_YEARS ? Math.min(a, b) : a), Infinity);
    const columns = [
      { name: "author", kind: "text", value: (row) => row.author_name, cell: (row) => authorLink(row.author_key, row.author_name) },
      { name: "books", kind: "whole", value: (row) => row.book_count },
      { name: "dated books", kind: "whole", value: (row) => row.dated_book_count },
      { name: "books per active year", kind: "real", value: (row) => row.avg_books_per_active_year },
      { name: "books per calendar year", kind: "real", value: (row) => row.avg_books_per_calendar_year },
      { name: "first year", kind: "year", value: (row) => row.first_year },
      { name: "last year", kind: "year", value: (row) => row.last_year },
      { name: first > last ? "books by year" : `books, ${first} to ${last}`, kind: "drawing", cell: (row) => sparkline(row.years, row.counts, first, last) },
    ];
    explore(root, {
      name: "authors", columns, rows, sorted: { column: columns[1], down: true }, search: (row) => row.author_name || row.author_key,
    });
  };

  const stock = (root) => {
    const form = document.querySelector("[data-weights]");
    const rows = data.stock;
    const byline = (row) => row.author_names.map((name, place) => name || row.author_keys[place]).join(", ");
    const score = () => {
      const weights = [...form.elements].filter((input) => input.type === "range").map((input) => [input.name, Number(input.value)]);
      const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
      rows.forEach((row) => {
        const sum = weights.reduce((points, [name, weight]) => points + weight * row[name], 0);
        row.score = total ? (100 * sum) / total : 0;
      });
    };
    const people = (row) => {
      const cell = element("span");
      row.author_keys.forEach((key, place) => cell.append(...(place ? [", "] : []), authorLink(key, row.author_names[place])));
      if (row.author_count > row.author_keys.length) cell.append(` and ${row.author_count - row.author_keys.length} more`);
      return cell;
    };
    const columns = [
      { name: "score, %", kind: "real", value: (row) => row.score },
      { name: "title", kind: "text", value: (row) => row.title, cell: (row) => workLink(row.work_key, row.title) },
      { name: "authors", kind: "text", value: byline, cell: people },
      { name: "year", kind: "year", value: (row) => row.year },
      { name: "editions", kind: "whole", value: (row) => row.edition_count },
      { name: "e-book", kind: "text", value: (row) => row.access },
    ];
    const save = element("button", { type: "button", class: "action" }, "Save as CSV");
    score();
    const table = explore(root, {
      name: "books", columns, rows, sorted: { column: columns[0], down: true }, more: [save],
      search: (row) => `${row.title || row.work_key} ${byline(row)}`,
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      event.target.parentElement.querySelector("output").value = event.target.value;
      score();
      table.render();
    });
    save.addEventListener("click", () => {
      // A spreadsheet runs what begins like a formula, also after what it may separate columns by, and makes numbers and
      // dates of digits; an apostrophe before them keeps them text.
      const safe = (text) => text
        .replace(/(^|[;|\t\r\n])([\s"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g, "$1$2'")
        .replace(/^(?=.*\d)[\d\s.,:/()+%$-]+(e[+-]?\d+)?$/i, "'$&");
      const field = (value) => {
        const text = value === null ? "" : typeof value === "number" ? String(value) : safe(value);
        return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
      };
      const lines = [["score", "work_key", "title", "authors", "year", "editions", "e_book"]].concat(
        table.found().map((row) => [Math.round(row.score * 100) / 100, row.work_key, row.title, byline(row), row.year, row.edition_count, row.access]));
      // The mark at the start tells spreadsheets that the text is UTF-8.
      const text = "\ufeff" + lines.map((line) => line.map(field).join(",") + "\n").join("");
      const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
      element("a", { href: address, download: root.dataset.file }).click();
      URL.revokeObjectURL(address);
    });
  };

  const subjects = (root) => {
    const share = (part, of) => (of ? (100 * part) / of : null);
    const years = (ends) => (ends ? [...new Set(ends)].join(" to ") : "");
    const columns = [
      { name: "subject", kind: "text", value: (row) => row.name, cell: (row) => link(row.report, row.name) },
      { name: "works", kind: "whole", value: (row) => row.works },
      { name: "authors", kind: "whole", value: (row) => row.authors },
      { name: "dated works,\u00a0%", kind: "real", value: (row) => share(row.works_dated, row.works) },
      { name: "middle years", kind: "year", value: (row) => row.middle_years && row.middle_years[0], cell: (row) => years(row.middle_years) },
      { name: "all years", kind: "year", value: (row) => row.first_year, cell: (row) => years(row.middle_years && [row.first_year, row.last_year]) },
      { name: "books, last ten years", kind: "whole", value: (row) => row.books_recent },
      { name: "growth,\u00a0%", kind: "real", value: (row) => row.growth },
      { name: "scanned works,\u00a0%", kind: "real", value: (row) => share(row.works_scanned, row.works) },
      { name: "works added", kind: "whole", value: (row) => row.added },
      { name: "works removed", kind: "whole", value: (row) => row.removed },
      { name: "fetched", kind: "text", value: (row) => row.fetched_on },
    ];
    explore(root, {
      name: "subjects", columns, rows: data.subjects, sorted: { column: columns[1], down: true }, search: (row) => row.name,
    });
  };

  const bridges = (root) => {
    const reports = (row) => {
      const cell = element("span");
      row.subjects.forEach((subject, place) => cell.append(...(place ? [", "] : []), link(subject.report, subject.name)));
      if (row.subject_count > row.subjects.length) cell.append(` and ${row.subject_count - row.subjects.length} more`);
      return cell;
    };
    const columns = [
      { name: "author", kind: "text", value: (row) => row.author_name, cell: (row) => authorLink(row.author_key, row.author_name) },
      { name: "subjects", kind: "whole", value: (row) => row.subject_count },
      { name: "works", kind: "whole", value: (row) => row.works },
      { name: "where", kind: "text", value: (row) => row.subjects.map((subject) => subject.name).join(", "), cell: reports },
    ];
    explore(root, {
      name: "authors", columns, rows: data.bridges, sorted: { column: columns[1], down: true }, search: (row) => row.author_name || row.author_key,
    });
  };

  const all = { authors, stock, subjects, bridges };
  document.querySelectorAll("[data-explore]").forEach((root) => all[root.dataset.explore](root));
})();
