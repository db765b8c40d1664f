// Sorting and filtering; without it the page shows everything in the stored order.
(() => {
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };
  const sortBy = (table, header, index) => {
    const down = header.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [row.cells[index].dataset.sort, row]);
    keyed.sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : (down ? -1 : 1) * compare(a, b)) * (a === b ? 0 : 1));
    body.append(...keyed.map(([, row]) => row));
  };
  document.querySelectorAll("main table").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((header, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sortBy(table, header, index));
      header.append(button);
    });
  });
  const form = document.querySelector(".filter");
  if (!form) return;
  form.hidden = false;
  const [input, output] = [form.querySelector("input"), form.querySelector("output")];
  const marked = [...document.querySelectorAll("[data-case]")];
  const all = new Set(marked.map((element) => element.dataset.case));
  const filter = () => {
    const text = input.value.trim().toLowerCase();
    const shown = new Set([...all].filter((name) => name.toLowerCase().includes(text)));
    marked.forEach((element) => { element.hidden = !shown.has(element.dataset.case); });
    output.textContent = text ? `${shown.size} of ${all.size}` : "";
  };
  input.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
