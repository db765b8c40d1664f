// What the browser test asks of a page: sizes, words and colours as they are computed, not as they are written.
const visible = (element) => {
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.height > 0 && getComputedStyle(element).visibility === "visible";
};
const openAll = () => document.querySelectorAll("details").forEach((found) => { found.open = true; });
const MARKS = "path, circle, image";
const marks = (svg) => [...svg.querySelectorAll(MARKS)].filter((mark) => {
  const box = mark.getBoundingClientRect();
  return box.width + box.height > 0 && !mark.matches(".g, .z");
}).length;

const figures = () => [...document.querySelectorAll("figure")].map((figure) => {
  const svg = figure.querySelector("svg");
  const box = svg.getBoundingClientRect();
  return {
    title: figure.querySelector(".title").textContent,
    width: box.width,
    height: box.height,
    marks: marks(svg),
    alt: svg.getAttribute("role") === "img" ? svg.getAttribute("aria-label") : "",
    rows: figure.querySelectorAll("tbody tr").length || figure.querySelectorAll("details p").length,
  };
});

const strips = () => [...document.querySelectorAll("td > svg")].map((svg) => {
  const cell = svg.parentElement;
  const axis = cell.closest("table").tHead.rows[0].cells[cell.cellIndex].querySelector("svg");
  const box = svg.getBoundingClientRect();
  return {
    width: box.width,
    height: box.height,
    marks: marks(svg),
    alt: svg.getAttribute("role") === "img" ? svg.getAttribute("aria-label") : "",
    axis: axis && axis.getBoundingClientRect().width,
  };
});

// Colours as [red, green, blue, alpha], 0 to 255 and 0 to 1.
const colourOf = (text) => {
  const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
  return [red, green, blue, alpha];
};
const over = (top, below) => [...[0, 1, 2].map((part) => top[part] * top[3] + below[part] * (1 - top[3])), 1];
const groundOf = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour && colour !== "transparent") layers.push(colourOf(colour));
    if (layers.length && layers.at(-1)[3] === 1) break;
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
};
const luminance = (colour) => {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ratio = (one, other) => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};

// Every text that is shown against its ground. WCAG 2.2, 1.4.3: 4.5 to 1, and 3 to 1 from 24 px, or 18.66 px in bold.
const contrasts = () => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const known = new Map();
  const poor = [];
  let texts = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest("script, style, title, option, .hidden, .j") || !visible(element)) continue;
    texts += 1;
    const style = getComputedStyle(element);
    const ink = colourOf(element.closest("svg") ? style.fill : style.color);
    const ground = groundOf(element);
    const key = `${ink}/${ground}`;
    if (!known.has(key)) known.set(key, ratio(over(ink, ground), ground));
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (known.get(key) < (large && !element.closest("svg") ? 3 : 4.5)) {
      poor.push(`${element.tagName}.${element.className} "${node.textContent.trim().slice(0, 40)}" ${known.get(key).toFixed(2)}`);
    }
  }
  const scheme = luminance(groundOf(document.body)) > 0.5 ? "light" : "dark";
  return { scheme, texts, poor: poor.slice(0, 20) };
};

// What draws a number. WCAG 2.2, 1.4.11: 3 to 1. Bands, grounds and the wide bars below dots only frame it.
const DRAWN = "svg .l, svg .lp, svg .d, svg .x, svg circle.a, svg circle.n, svg .o, svg .q, svg .r, svg .v, svg .rl, svg .y";
const markContrasts = () => {
  const found = [...document.querySelectorAll(DRAWN)].filter(visible);
  const poor = found.filter((mark) => {
    const style = getComputedStyle(mark);
    const colour = colourOf(style.stroke !== "none" ? style.stroke : style.fill);
    const ground = groundOf(mark);
    return ratio(over(colour, ground), ground) < 3;
  }).map((mark) => mark.outerHTML.slice(0, 80));
  return { marks: found.length, poor: poor.slice(0, 20) };
};

// Controls without a name, or that the keyboard does not reach.
const controls = () => [...document.querySelectorAll("button, input, select, summary, a, [role=region]")].filter(visible).filter((found) => {
  const labels = [...(found.labels ?? [])].map((label) => label.textContent).join("");
  const name = found.getAttribute("aria-label") || labels || found.textContent.trim();
  return !name.trim() || found.tabIndex < 0;
}).map((found) => found.outerHTML.slice(0, 100));

// What is wider than the screen, but for what scrolls within a box of its own.
const tooWide = () => [...document.querySelectorAll("main *")].filter((found) => {
  const box = found.getBoundingClientRect();
  return box.right > document.documentElement.clientWidth + 1 && box.width > 0 && !found.closest(".scroll, .hidden");
}).map((found) => found.outerHTML.slice(0, 100)).slice(0, 10);
