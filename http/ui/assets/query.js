// An expression, its value now as a table or over time as a graph. The address holds all of it, in
// the parameters Prometheus uses: g0.expr, g0.tab (1 table, 0 graph), g0.range_input.
import {api, el, metricName, note, table} from "./dom.js";
import {graph} from "./graph.js";

const kMaxRows = 2000;
const kUnits = {s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31536000};

function toSeconds(text) {
  let sum = 0;
  for (const [, n, unit] of text.matchAll(/(\d+)(s|m|h|d|w|y)/g)) sum += n * kUnits[unit];
  return sum || 3600;
}

function valueText(element) {
  if (element.value) return element.value[1];
  return JSON.stringify((element.histogram || [])[1]);
}

function resultTable({resultType, result}) {
  if (resultType === "scalar" || resultType === "string") {
    return table(["Value"], [[el("td", {class: "mono"}, result[1])]]);
  }
  const rows = result.slice(0, kMaxRows).map((element) => {
    const value = resultType === "matrix"
      ? (element.values || []).map(([t, v]) => `${v} @${t}`).join("\n") : valueText(element);
    return [el("td", {class: "mono"}, metricName(element.metric)),
      el("td", {class: "mono num"}, value)];
  });
  if (!rows.length) return note("Empty result.");
  return el("div", {}, table(["Series", "Value"], rows),
    result.length > kMaxRows ? note(`${result.length} series, the first ${kMaxRows} are shown.`) : null);
}

function notes(answer) {
  return [...(answer.warnings || []), ...(answer.infos || [])].map((text) => note(text));
}

async function run(form, output) {
  const {expr, view, range} = Object.fromEntries(new FormData(form));
  if (!expr.trim()) return;
  const started = performance.now();
  output.replaceChildren(el("p", {class: "dim"}, "Loading..."));
  try {
    const parts = [];
    if (view === "graph") {
      const end = Date.now() / 1000;
      const start = end - toSeconds(range);
      const step = Math.max(1, Math.round((end - start) / 250));
      const answer = await api("query_range", {query: expr, start, end, step});
      parts.push(...notes(answer), graph(answer.data.result, start, end));
    } else {
      const answer = await api("query", {query: expr});
      parts.push(...notes(answer), resultTable(answer.data));
    }
    const took = (performance.now() - started).toFixed(0);
    output.replaceChildren(el("p", {class: "dim"}, `${took} ms`), ...parts);
  } catch (error) {
    output.replaceChildren(note(error.message, true));
  }
}

async function suggestions() {
  try {
    const {data} = await api("label/__name__/values", {limit: 5000});
    return el("datalist", {id: "metrics"}, data.map((name) => el("option", {value: name})));
  } catch {
    return el("datalist", {id: "metrics"});
  }
}

export async function queryPage(main) {
  const params = new URLSearchParams(location.search);
  const output = el("div");
  const expr = el("textarea", {name: "expr", spellcheck: "false", autofocus: "",
    placeholder: "Expression (Ctrl+Enter or Enter to run, Shift+Enter for a new line)"});
  expr.value = params.get("g0.expr") || "";
  const view = el("select", {name: "view"}, el("option", {value: "table"}, "Table"),
    el("option", {value: "graph"}, "Graph"));
  view.value = params.get("g0.tab") === "0" ? "graph" : "table";
  const range = el("select", {name: "range", title: "Range of the graph"},
    ["15m", "1h", "6h", "1d", "1w"].map((text) => el("option", {value: text}, text)));
  range.value = params.get("g0.range_input") || "1h";
  if (!range.value) range.value = "1h";
  const pick = el("input", {list: "metrics", placeholder: "Metric...", onchange: () => {
    expr.setRangeText(pick.value, expr.selectionStart, expr.selectionEnd, "end");
    pick.value = "";
    expr.focus();
  }});
  const form = el("form", {onsubmit: (event) => {
    event.preventDefault();
    const now = Object.fromEntries(new FormData(form));
    const address = new URLSearchParams({"g0.expr": now.expr,
      "g0.tab": now.view === "graph" ? "0" : "1", "g0.range_input": now.range});
    history.replaceState(null, "", "?" + address);
    run(form, output);
  }}, expr, view, range, pick, el("button", {class: "main"}, "Run"));
  expr.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    form.requestSubmit();
  });
  view.addEventListener("change", () => form.requestSubmit());
  range.addEventListener("change", () => form.requestSubmit());
  main.append(form, output);
  if (expr.value) run(form, output);
  main.append(await suggestions());
}
