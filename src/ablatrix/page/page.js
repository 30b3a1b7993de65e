"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const data = read("data");

  // Sorting: numbers by their unrounded value, text by its words, what is empty last in both directions.
  const valueOf = (cell) => {
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = cell.textContent.trim();
    return text === "" || text === "–" ? null : text;
  };
  const collator = new Intl.Collator("en", { numeric: true });
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return collator.compare(String(a), String(b));
  };
  const sortBy = (button) => {
    const heading = button.closest("th");
    const table = heading.closest("table");
    const column = heading.cellIndex;
    const falling = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) {
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    }
    heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [valueOf(row.cells[column]), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return falling ? compare(b, a) : compare(a, b);
    });
    body.append(...rows.map(([, row]) => row));
  };

  // Filtering: each row lists the values of its facets, one of each or several. The search asks that every word be in
  // the text of the row, or in one of its facets as name=value.
  const startFilters = (form) => {
    const table = document.getElementById(form.dataset.filters);
    const rows = Array.from(table.tBodies[0].rows);
    const controls = Array.from(form.querySelectorAll("[data-column]"));
    const names = Array.from(form.querySelectorAll("[data-name]"), (label) => label.dataset.name);
    const facets = new Map(rows.map((row) => [row, row.dataset.facets.split("\n").map((held) => held.split("\t"))]));
    const named = (row) => facets.get(row).flatMap((held, column) => held.map((one) => `${names[column]}=${one}`));
    const written = (row) => [...Array.from(row.cells, (cell) => cell.textContent), ...named(row)].join("\n").toLowerCase();
    const texts = new Map(rows.map((row) => [row, written(row)]));
    for (const select of form.querySelectorAll("select")) {
      const found = new Set(rows.flatMap((row) => facets.get(row)[Number(select.dataset.column)]));
      for (const word of Array.from(found).sort(collator.compare)) select.add(new Option(word.replaceAll("_", " "), word));
    }
    const fits = (row, control) => {
      if (!control.value) return true;
      if (control.dataset.column !== "any") return facets.get(row)[Number(control.dataset.column)].includes(control.value);
      return control.value.toLowerCase().split(/\s+/).every((word) => texts.get(row).includes(word));
    };
    const apply = () => {
      let shown = 0;
      for (const row of rows) {
        const isShown = controls.every((control) => fits(row, control));
        row.hidden = !isShown;
        shown += isShown;
      }
      form.querySelector("output").textContent = `${shown} of ${rows.length} rows`;
    };
    form.addEventListener("input", apply);
    form.addEventListener("reset", () => setTimeout(apply));
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  };

  // Provenance: ranges of places in the one order of all records.
  const MOST_IDS = 500;
  let bytes = null;
  const idAt = (place) => {
    const records = data.records;
    if (records.listed) return records.listed[place];
    bytes ??= Uint8Array.from(atob(records.packed), (one) => one.charCodeAt(0));
    const width = records.width / 2;
    const own = bytes.subarray(place * width, (place + 1) * width);
    return Array.from(own, (one) => one.toString(16).padStart(2, "0")).join("");
  };
  const spansOf = (ranges) => ranges.split(",").map((part) => {
    const [first, last] = part.split("-").map(Number);
    return [first, last ?? first];
  });
  const idsOf = (ranges, most) => {
    const ids = [];
    for (const [first, last] of spansOf(ranges)) {
      for (let place = first; place <= last && ids.length < most; place += 1) ids.push(idAt(place));
    }
    return ids;
  };
  const element = (name, text, kind) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const dialog = document.getElementById("sources");
  const openSources = (button) => {
    const body = document.getElementById("sources-body");
    const row = button.closest("tr");
    const headings = row ? row.closest("table").tHead.rows[0].cells : [];
    body.replaceChildren();
    for (const part of button.dataset.from.split(";")) {
      const [names, ranges] = part.split(":");
      const total = spansOf(ranges).reduce((sum, [first, last]) => sum + last - first + 1, 0);
      for (const statistic of names.split("+")) {
        const cells = row ? Array.from(row.cells).filter((cell) => cell.dataset.k === statistic) : [];
        const made = cells.map((cell) => `${headings[cell.cellIndex].textContent.trim()} = ${Number(cell.dataset.v)}`);
        body.append(element("h3", made.join(", ") || statistic));
        body.append(element("p", data.statistics[statistic]));
      }
      const cut = data.records.width < data.records.whole ? `, by the first ${data.records.width} characters` : "";
      const most = total > MOST_IDS ? `, the first ${MOST_IDS} are shown` : "";
      body.append(element("p", `${total.toLocaleString("en")} records${cut}${most}:`));
      const list = element("div", idsOf(ranges, MOST_IDS).join(" "), "ids");
      list.tabIndex = 0;
      body.append(list);
    }
    dialog.showModal();
  };

  // Figures are drawn when they come into view, or all of them before printing.
  const specs = read("charts");
  const drawn = new Map();
  // A third of a figure's width is for names, at about 7 pixels a character.
  const charactersIn = (place) => Math.max(12, Math.min(44, Math.floor(place.clientWidth / 3 / 7)));
  const draw = (place) => {
    const name = place.dataset.chart;
    if (!drawn.has(name)) {
      const options = { actions: false, renderer: "svg", tooltip: { theme: "custom" } };
      for (const one of specs[name].params) if (one.name === "characters") one.value = charactersIn(place);
      drawn.set(name, window.vegaEmbed(place, specs[name], options).then(({ view }) => {
        // Names break into other lines where the page becomes narrower or wider.
        new ResizeObserver(() => {
          const fitting = charactersIn(place);
          if (view.signal("characters") !== fitting) view.signal("characters", fitting).runAsync();
        }).observe(place);
      }).catch((fault) => {
        place.textContent = `This figure could not be drawn (${fault.message}); its table holds the numbers.`;
      }));
    }
    return drawn.get(name);
  };
  const places = Array.from(document.querySelectorAll("[data-chart]"));
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        watcher.unobserve(entry.target);
        draw(entry.target);
      }
    }
  }, { rootMargin: "800px" });
  places.forEach((place) => watcher.observe(place));
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
    places.forEach(draw);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.classList.contains("sort")) sortBy(button);
    if (button.classList.contains("from")) openSources(button);
  });
  document.querySelectorAll("[data-filters]").forEach(startFilters);
  // The list of parts is open where there is room for it, and folds where there is not.
  const wide = window.matchMedia("(min-width: 45rem)");
  const parts = document.querySelector("nav details");
  const fold = () => { parts.open = wide.matches; };
  wide.addEventListener("change", fold);
  fold();
  parts.addEventListener("click", (event) => { if (event.target.matches("a")) fold(); });
})();
