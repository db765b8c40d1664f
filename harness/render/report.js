// Sorting, filtering and colours; without it the page shows everything in the stored order.
(() => {
  const order = new Intl.Collator("en", { numeric: true });
  const keyOf = (cell) => cell.dataset.s ?? cell.textContent.trim();
  const numberOf = (key) => (key === "" ? NaN : Number(key.replaceAll(",", "")));

  // A click on a column's head sorts by it, a second one the other way round; what has no value comes last either way.
  const sortBy = (table, header, index) => {
    const down = header.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].map((row) => {
      const key = keyOf(row.cells[index]);
      return { row, key, number: numberOf(key) };
    });
    const numbers = rows.every(({ key, number }) => key === "" || !Number.isNaN(number));
    const compare = (a, b) => (numbers ? a.number - b.number || 0 : order.compare(a.key, b.key));
    rows.sort((a, b) => (a.key === "") - (b.key === "") || (a.key === b.key ? 0 : (down ? -1 : 1) * compare(a, b)));
    table.tBodies[0].append(...rows.map(({ row }) => row));
  };

  const element = (name, attributes = {}, ...children) => {
    const made = Object.assign(document.createElement(name), attributes);
    made.append(...children);
    return made;
  };

  // Above a table of many rows: words to look for, and for some columns one of their values.
  const addTools = (table) => {
    const rows = [...table.tBodies[0].rows];
    const headers = [...table.tHead.rows[0].cells];
    const name = table.getAttribute("aria-label");
    const search = element("input", { type: "search", placeholder: "Find rows", spellcheck: false });
    search.setAttribute("aria-label", `Find rows: ${name}`);
    const output = element("output");
    const choices = headers.flatMap((header, index) => {
      if (!("choose" in header.dataset)) return [];
      const values = [...new Set(rows.map((row) => row.cells[index].firstChild.textContent))].sort(order.compare);
      if (values.length < 2) return [];
      const title = header.textContent;
      const select = element("select", {}, element("option", { value: "" }, `${title}: all`), ...values.map((value) => element("option", { value }, value)));
      select.setAttribute("aria-label", `${title}: ${name}`);
      return [{ select, index }];
    });
    const apply = () => {
      const words = search.value.trim().toLowerCase();
      let shown = 0;
      rows.forEach((row) => {
        const fits = choices.every(({ select, index }) => !select.value || row.cells[index].firstChild.textContent === select.value);
        const found = fits && (!words || row.textContent.toLowerCase().includes(words));
        row.classList.toggle("off", !found);
        shown += found;
      });
      output.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} rows`;
    };
    search.addEventListener("input", apply);
    choices.forEach(({ select }) => select.addEventListener("change", apply));
    table.parentElement.before(element("div", { className: "rows" }, search, ...choices.map(({ select }) => select), output));
  };

  document.querySelectorAll("main table").forEach((table) => {
    const many = table.tBodies[0].rows.length > 12 && !table.closest("figure");
    if (many) addTools(table);
    [...table.tHead.rows[0].cells].forEach((header, index) => {
      const button = element("button", { type: "button" }, ...header.childNodes);
      button.addEventListener("click", () => sortBy(table, header, index));
      header.append(button);
    });
  });

  // Which section is being read.
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
      links.forEach((link, id) => (id === target.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
    });
  }, { rootMargin: "-20% 0px -75% 0px" });
  document.querySelectorAll("main > section").forEach((section) => seen.observe(section));

  // The reader's colours, or the system's; paper is always light.
  const dark = document.getElementById("dark");
  const theme = document.querySelector(".theme");
  const media = { system: dark.media, light: "not all", dark: "screen" };
  const choose = (name) => { dark.media = media[name] ?? media.system; };
  const remembered = (name) => {
    try {
      if (name) localStorage.setItem("harness-theme", name);
      return localStorage.getItem("harness-theme");
    } catch { return null; } // a browser may refuse to remember
  };
  const last = theme.querySelector(`[value="${remembered() === "light" || remembered() === "dark" ? remembered() : "system"}"]`);
  last.checked = true;
  choose(last.value);
  theme.hidden = false;
  theme.addEventListener("change", ({ target }) => { choose(target.value); remembered(target.value); });

  const form = document.querySelector(".filter");
  if (!form) return;
  form.hidden = false;
  const [input, output] = [form.querySelector("input"), form.querySelector("output")];
  const marked = [...document.querySelectorAll("[data-case]")];
  const all = new Set(marked.map((found) => found.dataset.case));
  const filter = () => {
    const text = input.value.trim().toLowerCase();
    const shown = new Set([...all].filter((name) => name.toLowerCase().includes(text)));
    marked.forEach((found) => { found.hidden = !shown.has(found.dataset.case); });
    output.textContent = text ? `${shown.size} of ${all.size}` : "";
  };
  input.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
