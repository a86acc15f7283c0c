"use strict";
// The table of all results: filters, sorting and grouping of its own rows. What is chosen stands in the address after
// "#", so that a view can be sent as a link: #attention=ca&max-median=6&sort=median&group=precision.
document.documentElement.classList.add("js");

const EMPTY = "–"; // not known, or there is none
const table = document.getElementById("lines");
const tools = document.getElementById("tools");
const heads = [...table.tHead.rows[0].cells];
const columns = heads.map((head, place) => ({
  place,
  head,
  key: head.dataset.key,
  name: head.textContent,
  isWord: "word" in head.dataset,
  isMerit: "merit" in head.dataset,
  limit: head.dataset.limit,
  unit: head.dataset.unit ?? "",
}));
const rows = [...table.querySelectorAll("tr[data-line]")].map((element, place) => {
  const row = { element, place, id: element.querySelector("a").hash.slice(1), text: element.textContent.toLowerCase() };
  row.network = element.querySelector(".network").textContent;
  row.label = element.querySelector("a").textContent;
  for (const { key, place, isWord } of columns.slice(1)) {
    const cell = element.cells[place];
    const number = cell.dataset.v === undefined ? null : Number(cell.dataset.v);
    row[key] = isWord ? cell.firstChild.data : number;
  }
  row.model = row.label;
  row.isRough = columns.some(({ isMerit, place }) => isMerit && "rough" in element.cells[place].dataset);
  return row;
});
const byOrder = new Intl.Collator(undefined, { numeric: true }).compare;

// what can be filtered and grouped by: everything in words that differs between rows
const facets = [{ key: "network", name: "Network" }, ...columns.filter((column) => column.isWord)]
  .map(({ key, name }) => ({ key, name, values: [...new Set(rows.map((row) => row[key]))].filter((value) => value !== EMPTY) }))
  .filter((facet) => facet.values.length > 1);
const limits = columns.filter((column) => column.limit && rows.some((row) => row[column.key] !== null));

const DEFAULTS = { group: "network", sort: "", colour: "", axis: "" };
let state;

function clearState() {
  return { chosen: new Map(facets.map(({ key }) => [key, new Set()])), bounds: new Map(), text: "", ...DEFAULTS };
}

function readState(hash) {
  const read = clearState();
  const given = new URLSearchParams(hash);
  for (const { key, values } of facets) {
    for (const value of given.getAll(key)) if (values.includes(value)) read.chosen.get(key).add(value);
  }
  for (const { key, limit } of limits) {
    const text = given.get(`${limit}-${key}`) ?? "";
    if (text.trim() !== "" && Number.isFinite(Number(text))) read.bounds.set(key, Number(text));
  }
  read.text = given.get("text") ?? "";
  const group = given.get("group") ?? DEFAULTS.group;
  if (["none", "network"].includes(group) || facets.some(({ key }) => key === group)) read.group = group;
  const sort = given.get("sort") ?? "";
  if (columns.some(({ key }) => key === sort.replace(/^-/, ""))) read.sort = sort;
  for (const key of ["colour", "axis"]) read[key] = given.get(key) ?? "";
  return read;
}

function writeState() {
  const written = new URLSearchParams();
  for (const [key, values] of state.chosen) for (const value of values) written.append(key, value);
  for (const { key, limit } of limits) {
    if (state.bounds.has(key)) written.set(`${limit}-${key}`, state.bounds.get(key));
  }
  if (state.text) written.set("text", state.text);
  for (const [key, usual] of Object.entries(DEFAULTS)) if (state[key] !== usual) written.set(key, state[key]);
  return written.toString();
}

function isShown(row) {
  for (const [key, values] of state.chosen) if (values.size && !values.has(row[key])) return false;
  for (const { key, limit } of limits) {
    if (!state.bounds.has(key)) continue;
    const value = row[key];
    if (value === null || (limit === "max" ? value > state.bounds.get(key) : value < state.bounds.get(key))) return false;
  }
  return state.text.toLowerCase().split(/\s+/).every((word) => row.text.includes(word));
}

function compareRows(one, two) {
  const key = state.sort.replace(/^-/, "");
  const sign = state.sort.startsWith("-") ? -1 : 1;
  const [first, second] = [one[key], two[key]];
  const [isEmpty, isOtherEmpty] = [first, second].map((value) => value === null || value === EMPTY);
  if (isEmpty || isOtherEmpty) return isEmpty - isOtherEmpty || one.place - two.place;
  const order = typeof first === "number" ? first - second : byOrder(first, second);
  return sign * order || one.place - two.place;
}

const LOT = 100; // lines that are in the page at first
let most = LOT;
let shown = rows;
let lastDrawn; // a plot does not change with the order of the rows

function apply() {
  shown = rows.filter(isShown);
  const visible = new Set(shown);
  if (state.sort) shown.sort(compareRows);
  const groups = new Map();
  for (const row of shown) {
    const value = state.group === "none" ? "" : row[state.group];
    const name = value === EMPTY ? `no ${facets.find(({ key }) => key === state.group).name.toLowerCase()}` : value;
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  for (const body of [...table.tBodies]) body.remove();
  let room = most;
  for (const [name, members] of groups) {
    if (room > 0) table.append(makeGroup(name, members, room));
    room -= members.length;
  }
  if (room < 0) table.append(makeMore(-room));
  if (!shown.length) table.append(makeNothing());
  table.dataset.group = state.group;
  for (const { head, key } of columns) {
    const order = state.sort === key ? "ascending" : state.sort === `-${key}` ? "descending" : null;
    if (order) head.setAttribute("aria-sort", order);
    else head.removeAttribute("aria-sort");
  }
  count.textContent = shown.length === rows.length ? `${rows.length} results` : `${shown.length} of ${rows.length} results shown`;
  reset.disabled = writeState() === "";
  const drawn = [state.axis, state.colour, ...rows.map((row) => (visible.has(row) ? 1 : 0))].join();
  if (drawn !== lastDrawn) drawPlots(shown);
  lastDrawn = drawn;
}

function makeGroup(name, members, room) {
  const body = document.createElement("tbody");
  if (state.group !== "none") {
    const line = body.insertRow();
    line.className = "group";
    const head = make("th", { scope: "rowgroup", colSpan: columns.length });
    const group = make("span", {}, make("b", {}, name), " ", make("span", { className: "sum" }, describeGroup(members)));
    head.append(group);
    line.append(head);
  }
  body.append(...members.slice(0, room).map((row) => row.element));
  return body;
}

function describeGroup(members) {
  const parts = [`${members.length} ${members.length === 1 ? "result" : "results"}`];
  const fastest = members.reduce((best, row) => (row.median !== null && (!best || row.median < best.median) ? row : best), null);
  if (fastest && members.length > 1) parts.push(`fastest ${readText(fastest, "median")} ms`);
  const merit = columns.find((column) => column.isMerit && members.some((row) => row[column.key] !== null));
  if (merit && members.length > 1) {
    const known = members.filter((row) => row[merit.key] !== null);
    const judged = known.some((row) => !row.isRough) ? known.filter((row) => !row.isRough) : known;
    const best = judged.reduce((found, row) => (row[merit.key] > found[merit.key] ? row : found));
    parts.push(`best top-1 ${readText(best, merit.key)}`);
  }
  return parts.join(", ");
}

function readText(row, key) {
  return row.element.cells[columns.find((column) => column.key === key).place].firstChild.data;
}

/** The rest comes when a reader gets there: a browser needs seconds to lay out thousands of lines. */
function makeMore(rest) {
  const button = make("button", { type: "button" }, `Show ${rest} more`);
  const show = () => {
    most += LOT;
    apply();
  };
  button.addEventListener("click", show);
  const body = make("tbody", { className: "more" });
  body.insertRow().append(make("td", { colSpan: columns.length }, button));
  new IntersectionObserver(([entry], observer) => {
    if (!entry.isIntersecting) return;
    observer.disconnect();
    show();
  }).observe(button);
  return body;
}

function makeNothing() {
  const body = document.createElement("tbody");
  const cell = make("td", { colSpan: columns.length, className: "nothing" }, "No result fits these filters.");
  body.insertRow().append(cell);
  return body;
}

/** An element with properties and children; text is never markup. */
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function change(edit) {
  edit();
  most = LOT;
  apply();
  const hash = writeState();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

// --- the tools above the table

const count = make("output", { id: "count" });
count.setAttribute("aria-live", "polite");
const search = make("input", { type: "search", id: "search", placeholder: "Search", autocomplete: "off" });
search.setAttribute("aria-label", "Search the results");
const reset = make("button", { type: "button", id: "reset" }, "Reset");
const grouping = make("select", { id: "group" });
const boundInputs = new Map();

function makeTools() {
  const words = [["network", "network"], ...facets.filter(({ key }) => key !== "network").map(({ key, name }) => [key, name.toLowerCase()]), ["none", "nothing"]];
  grouping.append(...words.map(([value, name]) => make("option", { value }, name)));
  const chips = facets.map(({ key, name, values }) => {
    const set = make("fieldset", {}, make("legend", {}, name));
    for (const value of [...values].sort(byOrder)) {
      const box = make("input", { type: "checkbox", name: key, value });
      box.addEventListener("change", () => change(() => state.chosen.get(key)[box.checked ? "add" : "delete"](value)));
      set.append(make("label", { className: "chip" }, box, make("span", {}, value)));
    }
    return set;
  });
  const bounds = limits.map(({ key, name, limit, unit }) => {
    const input = make("input", { type: "number", name: `${limit}-${key}`, min: 0, step: "any", inputMode: "decimal" });
    input.addEventListener("input", () =>
      change(() => (input.value === "" ? state.bounds.delete(key) : state.bounds.set(key, Number(input.value)))),
    );
    boundInputs.set(key, input);
    const what = name.split(",")[0].toLowerCase();
    return make("label", { className: "field" }, `${limit === "max" ? "At most" : "At least"}`, input, `${unit} ${what}`);
  });
  const filters = make("details", { className: "filters", open: innerWidth > 640 }, make("summary", {}, "Filters"));
  filters.append(make("div", { className: "chips" }, ...chips), make("div", { className: "fields" }, ...bounds));
  const line = make("div", { className: "line" }, search, make("label", { className: "field" }, "Group by", grouping), count, reset);
  tools.append(filters, line);
  tools.hidden = false;
  tools.addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", () => change(() => (state.text = search.value.trim())));
  grouping.addEventListener("change", () => change(() => (state.group = grouping.value)));
  reset.addEventListener("click", () => {
    change(() => (state = clearState()));
    showState();
  });
  for (const { head, key, name, isMerit } of columns) {
    const button = make("button", { type: "button" }, name);
    button.addEventListener("click", () => change(() => (state.sort = nextSort(key, isMerit))));
    head.replaceChildren(button);
  }
}

/** Best first, then the other way round, then as it was. */
function nextSort(key, isMerit) {
  const turns = isMerit ? [`-${key}`, key, ""] : [key, `-${key}`, ""];
  return turns[(turns.indexOf(state.sort) + 1) % turns.length];
}

function showState() {
  for (const box of tools.querySelectorAll("input[type=checkbox]")) box.checked = state.chosen.get(box.name).has(box.value);
  for (const [key, input] of boundInputs) input.value = state.bounds.get(key) ?? "";
  search.value = state.text;
  grouping.value = state.group;
  showPlotState();
}

function followAddress() {
  const hash = location.hash.slice(1);
  if (hash.startsWith("result-")) {
    openResult(hash);
    return;
  }
  if (hash && !hash.includes("=")) return; // a place on the page
  closeResult();
  state = readState(hash);
  showState();
  apply();
}

makeTools();
makePlotTools();
state = readState(location.hash.includes("=") ? location.hash.slice(1) : "");
showState();
apply();
followAddress();
addEventListener("hashchange", followAddress);
addEventListener("beforeprint", () => {
  most = Infinity;
  apply();
});
