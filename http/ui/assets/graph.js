// Lines over time as one SVG, with gaps where a series has none.
import {el, metricName, note, svg} from "./dom.js";

const kColors = ["#4878d0", "#ee854a", "#4aa564", "#d65f5f", "#956cb4", "#8c613c", "#dc7ec0",
  "#797979", "#b8a63a", "#3fa7b5"];
const kMaxLines = 100;
const kWidth = 1000, kHeight = 350, kLeft = 70, kBottom = 22;

function short(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(2);
  return String(+value.toPrecision(4));
}

function path(values, x, y, gap) {
  let d = "", last = null;
  for (const [t, text] of values) {
    const v = parseFloat(text.replace("Inf", "Infinity"));
    if (!Number.isFinite(v)) { last = null; continue; }
    d += `${last !== null && t - last <= gap ? "L" : "M"}${x(t).toFixed(1)} ${y(v).toFixed(1)}`;
    last = t;
  }
  return d;
}

export function graph(result, start, end) {
  const lines = result.filter((series) => series.values).slice(0, kMaxLines);
  if (!lines.length) return note("Empty result.");
  const numbers = lines.flatMap((s) => s.values.map(([, v]) => parseFloat(v)).filter(Number.isFinite));
  if (!numbers.length) return note("No finite values.");
  let low = numbers[0], high = low;
  for (const v of numbers) { low = Math.min(low, v); high = Math.max(high, v); }
  if (low === high) { low -= Math.abs(low) / 2 || 1; high += Math.abs(high) / 2 || 1; }
  const x = (t) => kLeft + (t - start) / (end - start) * (kWidth - kLeft);
  const y = (v) => (kHeight - kBottom) * (1 - (v - low) / (high - low));
  const picture = svg("svg", {class: "graph", viewBox: `0 0 ${kWidth} ${kHeight}`,
    preserveAspectRatio: "none"});
  for (let i = 0; i <= 4; ++i) {
    const v = low + (high - low) * i / 4, t = start + (end - start) * i / 4;
    picture.append(svg("line", {class: "grid", x1: kLeft, x2: kWidth, y1: y(v), y2: y(v)}),
      svg("text", {x: 4, y: Math.max(10, y(v) - 3)}, short(v)),
      svg("text", {x: Math.min(x(t), kWidth - 84), y: kHeight - 6}, new Date(t * 1000).toLocaleTimeString()));
  }
  const gap = Math.max(1, (end - start) / 250) * 1.5;
  lines.forEach((series, i) => picture.append(
    svg("path", {d: path(series.values, x, y, gap), stroke: kColors[i % kColors.length]})));
  const legend = lines.map((series, i) => {
    const key = el("span", {class: "key"});
    key.style.background = kColors[i % kColors.length];
    return el("div", {class: "mono"}, key, metricName(series.metric));
  });
  return el("div", {}, picture, legend, result.length > kMaxLines
    ? note(`${result.length} series, the first ${kMaxLines} are drawn.`) : null);
}
