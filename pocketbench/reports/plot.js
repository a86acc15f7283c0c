"use strict";
// The plots follow the table: they show the points of the rows that are shown, and the Pareto front among them.
const plot = JSON.parse(document.getElementById("points")?.textContent ?? '{"axes":[],"places":[],"points":[]}');
const views = new Map();
const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"];
const MOST_NAMES = 120; // with more points there is no room, and the search for it takes long
const NAME_SPACE = { gap: 9, radius: 7, character: 6.6, line: 13 };
const PLACES = [
  ["right", -9, -11], ["left", 9, 0], ["right", -9, 0], ["center", 0, -14], ["left", 9, -11],
  ["left", 9, 11], ["right", -9, 11], ["center", 0, 14],
];
const axisChoice = document.getElementById("axis");
const colourChoice = document.getElementById("colour");

function makePlotTools() {
  if (!axisChoice) return;
  axisChoice.append(...plot.axes.map(({ key, name }) => make("option", { value: key }, name)));
  const colours = facets.length ? facets : [{ key: "network", name: "Network" }];
  colourChoice.append(...colours.map(({ key, name }) => make("option", { value: key }, name.toLowerCase())));
  axisChoice.addEventListener("change", () => change(() => (state.axis = axisChoice.value)));
  colourChoice.addEventListener("change", () => change(() => (state.colour = colourChoice.value)));
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawPlots(shown), 200);
  });
}

/** The choices that are usual where none was made, and what was chosen where it exists. */
function showPlotState() {
  if (!axisChoice) return;
  const usual = [...colourChoice.options].find(({ value }) => value === "attention") ?? colourChoice.options[0];
  const isKnown = (choice, value) => [...choice.options].some((option) => option.value === value);
  if (!isKnown(axisChoice, state.axis)) state.axis = "";
  if (!isKnown(colourChoice, state.colour)) state.colour = "";
  axisChoice.value = state.axis || plot.axes[0].key;
  colourChoice.value = state.colour || usual.value;
}

document.addEventListener("chart", ({ detail: { element, view } }) => {
  const isWhole = element.id === axisChoice?.dataset.chart;
  views.set(element, { view, isWhole, all: isWhole ? [] : view.data("points").map((datum) => ({ ...datum })) });
  view.addEventListener("click", (_, item) => {
    const line = item?.datum?.line;
    if (line !== undefined && rows[line]) location.hash = rows[line].id;
  });
  drawPlots(shown);
});

function drawPlots(visible) {
  const lines = new Set(visible.map((row) => row.place));
  for (const [element, known] of views) {
    if (known.isWhole) drawWhole(known.view, lines);
    else drawPart(element, known, lines);
  }
}

/** The plot of one runtime: it keeps its range and the places of names. */
function drawPart(element, { view, all }, lines) {
  const points = all.filter((datum) => lines.has(datum.line)).map((datum) => ({ ...datum }));
  if (all.some((datum) => datum.front)) {
    const front = findFront(points.map((datum) => ({ datum, x: datum.median, y: datum.value })));
    for (const datum of points) datum.front = false;
    for (const { datum } of front) datum.front = true;
  }
  element.closest("figure").hidden = !points.length;
  view.data("points", points).runAsync();
}

function drawWhole(view, lines) {
  const axis = plot.axes.find(({ key }) => key === axisChoice.value);
  const key = colourChoice.value;
  const names = [...new Set(rows.map((row) => row[key]))];
  const points = plot.points
    .filter((point) => lines.has(point.line) && point.y[axis.key])
    .map((point) => makePoint(point, axis, rows[point.line], names.indexOf(rows[point.line][key])));
  const front = axis.merit ? [...groupBy(points, "device").values()].flatMap(findFront) : [];
  for (const point of front) point.fill = point.color;
  const [low, high] = findRange(points.map(({ x, left, right }) => [x, left, right]), 0.08);
  const [bottom, top] = findRange(points.map(({ y, bottom, top }) => [y, bottom, top]), 0.08);
  view.signal("x_domain", [low, high]).signal("y_domain", [bottom, top]);
  const toX = (value) => ((value - low) / (high - low)) * view.signal("width");
  const toY = (value) => ((top - value) / (top - bottom)) * view.signal("height");
  placeNames(points, front, key, toX, toY, view.signal("width"), view.signal("height"));
  view.data("points", points).data("front", front).runAsync();
  document.getElementById("y-title").textContent = axis.title;
  showLegend(names, key, new Set(points.map(({ colourName }) => colourName)));
  const hidden = lines.size - points.length;
  document.getElementById("not-drawn").textContent = hidden ? `${hidden} of ${lines.size} results shown have no latency or no ${axis.name}.` : "";
}

function makePoint({ line, where, x, y }, axis, row, series) {
  const [value, bottom, top] = y[axis.key];
  const [median, left, right] = x;
  const span = (low, high, digits) => (low === null ? "" : `, 95 % interval ${low.toPrecision(digits)} to ${high.toPrecision(digits)}`);
  return {
    line, name: row.label, where: plot.places[where], device: row.device, row, colourName: series,
    x: median, left, right, y: value, bottom, top,
    latency: `${median.toPrecision(3)} ms${span(left, right, 3)}`,
    value: `${value.toPrecision(4)}${axis.merit ? " %" : axis.key === "size" ? " MB" : " M"}${span(bottom, top, 4)}`,
    more: "click for all that is known",
    color: colourOf(series), shape: shapeOf(series), fill: "var(--surface)",
    align: null, dx: 0, dy: 0, label: "",
  };
}

const colourOf = (series) => `var(--series-${(series % 6) + 1})`;
const shapeOf = (series) => SHAPES[(series + Math.floor(series / 6)) % SHAPES.length];

function groupBy(points, key) {
  const groups = new Map();
  for (const point of points) groups.set(point[key], [...(groups.get(point[key]) ?? []), point]);
  return groups;
}

/** What no other point beats in both; equal points are on it together. */
function findFront(points) {
  const front = [];
  let best = null;
  for (const point of [...points].sort((one, two) => one.x - two.x || two.y - one.y)) {
    if (!best || point.y > best.y) best = point;
    else if (point.x !== best.x || point.y !== best.y) continue;
    front.push(point);
  }
  return front;
}

/** Every middle, and intervals as far as they don't crush the middles; with a margin. */
function findRange(bars, margin) {
  if (!bars.length) return [0, 1];
  const middles = bars.map(([middle]) => middle);
  const [least, most] = [Math.min(...middles), Math.max(...middles)];
  const reach = Math.max(most - least, 0.1 * Math.abs(most)) || 1;
  const low = Math.max(Math.min(least, ...bars.map(([middle, end]) => end ?? middle)), least - reach);
  const high = Math.min(Math.max(most, ...bars.map(([middle, , end]) => end ?? middle)), most + reach);
  const width = high - low || reach;
  return [low - margin * width, high + margin * width];
}

/** Names where they cover nothing, those of the front first; a point for whose name there is no room has none. */
function placeNames(points, front, colour, toX, toY, width, height) {
  const varying = ["network", "precision", "file", "threads", "device"].filter(
    (key) => key !== colour && new Set(points.map(({ row }) => row[key])).size > 1,
  );
  const taken = points.flatMap((point) => {
    const [x, y] = [toX(point.x), toY(point.y)];
    const boxes = [[x - NAME_SPACE.radius, y - NAME_SPACE.radius, x + NAME_SPACE.radius, y + NAME_SPACE.radius]];
    if (point.left !== null) boxes.push([toX(point.left), y - 1, toX(point.right), y + 1]);
    if (point.bottom !== null) boxes.push([x - 1, toY(point.top), x + 1, toY(point.bottom)]);
    return boxes;
  });
  for (const [place, point] of front.entries()) {
    const next = front[place + 1];
    if (next?.device !== point.device) continue;
    taken.push([toX(point.x), toY(point.y) - 1, toX(next.x), toY(point.y) + 1], [toX(next.x) - 1, toY(next.y), toX(next.x) + 1, toY(point.y)]);
  }
  const isFree = ([left, top, right, bottom]) =>
    left >= 0 && top >= 0 && right <= width && bottom <= height &&
    !taken.some((box) => left < box[2] && box[0] < right && top < box[3] && box[1] < bottom);
  const named = points.length > MOST_NAMES ? front : [...front, ...points];
  for (const point of new Set(named)) {
    const short = point.name.replace(/^\+ /, "").replace(/ \(r [^)]*\)/, "");
    const label = [short, ...varying.map((key) => (key === "threads" ? `${point.row[key]} thr.` : point.row[key]))].join(" ");
    const names = label === short ? [short] : [label, short];
    for (const [text, [align, dx, dy]] of names.flatMap((text) => PLACES.map((place) => [text, place]))) {
      const length = text.length * NAME_SPACE.character;
      const left = toX(point.x) + dx - { left: 0, center: length / 2, right: length }[align];
      const top = toY(point.y) + dy - NAME_SPACE.line / 2;
      const box = [left, top, left + length, top + NAME_SPACE.line];
      if (!isFree(box)) continue;
      taken.push(box);
      Object.assign(point, { label: text, align, dx, dy });
      break;
    }
  }
}

/** The categories that are drawn. */
function showLegend(names, key, drawn) {
  const items = names.map((name, series) => {
    const mark = make("span", { className: `mark ${shapeOf(series)}` });
    mark.style.setProperty("--mark", colourOf(series));
    return make("li", { hidden: !drawn.has(series) }, mark, name === EMPTY ? "none" : name);
  });
  document.getElementById("legend").replaceChildren(...items);
}
