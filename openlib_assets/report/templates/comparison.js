// The tables of the comparison: all subjects, those to fetch next, those beside each other, and authors of several.
(() => {
  const { data, element, link, authorLink, unbroken, explore, fill } = page;

  const subjectLink = (row) => link(row.link, row.name);
  const reportLink = (subject) => link(subject.report, subject.name);
  const command = (row) => (row.fetched ? "fetched" : element("code", {}, row.command));

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
      { name: "scanned works,\u00a0%", kind: "real", value: (row) => (row.works_scanned === null ? null : share(row.works_scanned, row.works)) },
      { name: "works added", kind: "whole", value: (row) => row.added },
      { name: "works removed", kind: "whole", value: (row) => row.removed },
      { name: "source", kind: "text", value: (row) => row.source, cell: (row) => unbroken(row.source) },
    ];
    explore(root, {
      name: "subjects", columns, rows: data.subjects, sorted: { column: columns[1], down: true }, search: (row) => row.name,
    });
  };

  const bridges = (root) => {
    const reports = (row) => {
      const cell = element("span");
      row.subjects.forEach((subject, place) => cell.append(...(place ? [", "] : []), reportLink(subject)));
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

  const toFetch = (root) => {
    const columns = [
      { name: "subject", kind: "text", value: (row) => row.name, cell: subjectLink },
      { name: "works", kind: "whole", value: (row) => row.works },
      { name: "share of all works,\u00a0%", kind: "real", value: (row) => 100 * row.share },
      { name: "in subjects", kind: "whole", value: (row) => row.subject_count },
      { name: "most of them in", kind: "text", value: (row) => row.beside.name, cell: (row) => reportLink(row.beside) },
      { name: "to add it", kind: "text", value: (row) => row.command, cell: command },
    ];
    explore(root, {
      name: "subjects to fetch", columns, rows: data.to_fetch, sorted: { column: columns[1], down: true }, search: (row) => row.name,
    });
  };

  const related = (root) => {
    const columns = [
      { name: "beside", kind: "text", value: (row) => row.beside.name, cell: (row) => reportLink(row.beside) },
      { name: "subject", kind: "text", value: (row) => row.name, cell: subjectLink },
      { name: "works", kind: "whole", value: (row) => row.works },
      { name: "share of its works,\u00a0%", kind: "real", value: (row) => 100 * row.share },
      { name: "lift", kind: "real", value: (row) => row.lift },
      { name: "to add it", kind: "text", value: (row) => row.command, cell: command },
    ];
    explore(root, {
      name: "pairs of subjects", columns, rows: data.related, search: (row) => `${row.beside.name} ${row.name}`,
    });
  };

  fill({ subjects, to_fetch: toFetch, related, bridges });
})();
