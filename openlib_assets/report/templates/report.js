// The tables of a report: the order list, the list to stock, whose weights the reader sets, and the authors.
(() => {
  const { data, element, authorLink, workLink, unbroken, whole, explore, fill } = page;
  const CHARTED_YEARS = 100;

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

  const authors = (root) => {
    const rows = data.authors;
    const years = rows.flatMap((row) => row.years);
    const last = years.reduce((a, b) => Math.max(a, b), -Infinity);
    const first = years.reduce((a, b) => (b > last - CHARTED_YEARS ? Math.min(a, b) : a), Infinity);
    const inAll = (name, kind, key) => (
      { name: `${name}, in all, ${unbroken(data.in_all_by)}`, kind, value: (row) => row.in_all[key] });
    const columns = [
      { name: "author", kind: "text", value: (row) => row.author_name, cell: (row) => authorLink(row.author_key, row.author_name) },
      { name: "books", kind: "whole", value: (row) => row.book_count },
      { name: "dated books", kind: "whole", value: (row) => row.dated_book_count },
      { name: "books per active year", kind: "real", value: (row) => row.avg_books_per_active_year },
      { name: "books per calendar year", kind: "real", value: (row) => row.avg_books_per_calendar_year },
      ...(data.in_all_by ? [
        inAll("books", "whole", "book_count"),
        inAll("books per active year", "real", "avg_books_per_active_year"),
        inAll("books per calendar year", "real", "avg_books_per_calendar_year"),
      ] : []),
      { name: "first year", kind: "year", value: (row) => row.first_year },
      { name: "last year", kind: "year", value: (row) => row.last_year },
      { name: first > last ? "books by year" : `books, ${first} to ${last}`, kind: "drawing", cell: (row) => sparkline(row.years, row.counts, first, last) },
    ];
    explore(root, {
      name: "authors", columns, rows, sorted: { column: columns[1], down: true }, search: (row) => row.author_name || row.author_key,
    });
  };

  const byline = (row) => row.author_names.map((name, place) => name || row.author_keys[place]).join(", ");
  const people = (row) => {
    const cell = element("span");
    row.author_keys.forEach((key, place) => cell.append(...(place ? [", "] : []), authorLink(key, row.author_names[place])));
    if (row.author_count > row.author_keys.length) cell.append(` and ${row.author_count - row.author_keys.length} more`);
    return cell;
  };
  const known = (rows, name) => rows.some((row) => row[name] !== null);

  // The cover of the edition, else that of the work; nothing where there is neither.
  const COVERS = "https://covers.openlibrary.org/b";
  const cover = (row) => {
    const addresses = [];
    if (row.edition_key) addresses.push(`${COVERS}/olid/${row.edition_key}-M.jpg?default=false`);
    if (row.cover_id) addresses.push(`${COVERS}/id/${row.cover_id}-M.jpg?default=false`);
    if (!addresses.length) return [];
    const image = element("img", { class: "cover", src: addresses.shift(), alt: "", loading: "lazy" });
    image.addEventListener("error", () => (addresses.length ? image.setAttribute("src", addresses.shift()) : image.remove()));
    return [image];
  };

  const orders = (root) => {
    const { rows, languages } = data.orders;
    let covers = false;
    const names = Object.fromEntries(languages.map(({ code, name }) => [code, name]));
    const spoken = (row) => row.languages.map((code) => names[code]).join(", ");
    const details = known(rows, "wanted");
    const title = (row) => element("div", { class: "work" }, ...(covers ? cover(row) : []),
      element("div", {}, workLink(row.work_key, row.title), element("div", { class: "muted" }, people(row))));
    const edition = (row) => {
      const rest = [row.publisher, row.publish_date, spoken(row)].filter((text) => text).join(", ");
      return element("div", {}, element("span", { class: "isbn" }, row.isbn13 || ""), element("div", { class: "muted" }, rest));
    };
    const rating = (row) => (row.rating === null ? "" : `${row.rating.toFixed(1)} by ${whole.format(row.ratings)}`);
    const columns = [
      { name: "title, authors", kind: "text", value: (row) => row.title, cell: title },
      { name: "rank", kind: "whole", value: (row) => row.rank },
      ...(languages.length ? [{ name: "ISBN, edition", kind: "text", value: (row) => row.isbn13, cell: edition }] : []),
      ...(details ? [
        { name: "wanted by", kind: "whole", value: (row) => row.wanted },
        { name: "read by", kind: "whole", value: (row) => row.readers },
        { name: "rated, of 5", kind: "real", value: (row) => row.rating, cell: rating },
      ] : [{ name: "editions", kind: "whole", value: (row) => row.edition_count }]),
      ...(known(rows, "in_store") ? [{ name: "in store", kind: "word", value: (row) => row.in_store }] : []),
      { name: "why", kind: "text", value: (row) => row.reason, cell: (row) => element("div", { class: "why" }, row.reason) },
    ];
    const language = element("select", {}, element("option", { value: "" }, "All"),
      ...languages.map(({ code, name }) => element("option", { value: code }, name)));
    const hide = element("input", { type: "checkbox", checked: "" });
    const show = element("button", { type: "button", class: "action", "aria-pressed": "false" }, "Show covers");
    const table = explore(root, {
      name: "books to order", columns, rows, step: 10,
      more: [
        ...(languages.length > 1 ? [element("label", {}, "Language", language)] : []),
        ...(rows.some((row) => !row.to_order) ? [element("label", { class: "check" }, hide, "Hide what we sell, or may sell")] : []),
        show,
      ],
      keep: (row) => (row.to_order || !hide.checked) && (!language.value || row.languages.includes(language.value)),
      search: (row) => `${row.title || row.work_key} ${byline(row)} ${row.isbn13 || ""} ${row.publisher || ""}`,
    });
    language.addEventListener("input", table.renew);
    hide.addEventListener("input", table.renew);
    show.addEventListener("click", () => {
      covers = !covers;
      show.setAttribute("aria-pressed", String(covers));
      table.render();
    });
  };

  const stock = (root) => {
    const form = document.querySelector("[data-weights]");
    const rows = data.stock;
    rows.forEach((row) => { row.score *= 100; });
    const score = () => {
      const weights = [...form.elements].filter((input) => input.type === "range").map((input) => [input.name, Number(input.value)]);
      rows.forEach((row) => {
        const counted = weights.filter(([name]) => row[name] !== null);
        const total = counted.reduce((sum, [, weight]) => sum + weight, 0);
        const points = counted.reduce((sum, [name, weight]) => sum + weight * row[name], 0);
        row.score = total ? (100 * points) / total : 0;
      });
    };
    const columns = [
      { name: "score, %", kind: "real", value: (row) => row.score },
      { name: "title", kind: "text", value: (row) => row.title, cell: (row) => workLink(row.work_key, row.title) },
      { name: "authors", kind: "text", value: byline, cell: people },
      { name: "year", kind: "year", value: (row) => row.year },
      { name: "editions", kind: "whole", value: (row) => row.edition_count },
      ...(known(rows, "ebook") ? [{ name: "e-book", kind: "word", value: (row) => row.ebook }] : []),
      ...(known(rows, "in_store") ? [{ name: "in store", kind: "word", value: (row) => row.in_store }] : []),
      { name: "may be the same as", kind: "text", value: (row) => row.duplicate_of, cell: (row) => (row.duplicate_of ? workLink(row.duplicate_of) : "") },
    ];
    const save = element("button", { type: "button", class: "action" }, "Save as CSV");
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
      const lines = [["score", "work_key", "title", "authors", "year", "editions", "e_book", "in_store"]].concat(
        table.found().map((row) => [
          Math.round(row.score * 100) / 100, row.work_key, row.title, byline(row), row.year, row.edition_count, row.ebook, row.in_store,
        ]));
      // The mark at the start tells spreadsheets that the text is UTF-8.
      const text = "\ufeff" + lines.map((line) => line.map(field).join(",") + "\n").join("");
      const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
      element("a", { href: address, download: root.dataset.file }).click();
      URL.revokeObjectURL(address);
    });
  };

  fill({ orders, authors, stock });
})();
