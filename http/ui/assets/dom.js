// Elements and answers. Texts only ever become text nodes, so nothing from a label can be markup.

const kSvg = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(kSvg, tag), attributes, children);
}

// The data of an answer of the API; throws an Error with the text of a failed one.
export async function api(path, params = {}) {
  const query = new URLSearchParams(params).toString();
  const response = await fetch("api/v1/" + path + (query ? "?" + query : ""));
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Error(`${response.status} ${response.statusText}`);
  }
  if (answer.status !== "success") throw new Error(answer.error || response.statusText);
  return answer;
}

export function note(text, error = false) {
  return el("p", {class: error ? "note error" : "note"}, text);
}

export function labels(set, leaveOut = []) {
  return el("span", {class: "labels"}, Object.entries(set)
    .filter(([name]) => !leaveOut.includes(name))
    .map(([name, value]) => el("span", {}, `${name}="${value}"`)));
}

export function metricName(set) {
  const {__name__: name = "", ...rest} = set;
  const pairs = Object.entries(rest).map(([n, v]) => `${n}=${JSON.stringify(v)}`);
  return name + (pairs.length || !name ? `{${pairs.join(", ")}}` : "");
}

export function table(head, rows) {
  return el("table", {},
    el("thead", {}, el("tr", {}, head.map((text) => el("th", {}, text)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) =>
      cell instanceof HTMLTableCellElement ? cell : el("td", {}, cell))))));
}

export function ago(time) {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  if (!time || time.startsWith("0001")) return "never";
  if (seconds < 90) return `${seconds.toFixed(1)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return `${(seconds / 3600).toFixed(1)} h ago`;
}

export function seconds(value) {
  return value < 1 ? `${(value * 1000).toFixed(1)} ms` : `${value.toFixed(2)} s`;
}

const kStates = {up: "good", ok: "good", inactive: "good", pending: "warn", unknown: "dim",
  down: "bad", err: "bad", firing: "bad"};

export function state(text) {
  return el("span", {class: "state " + (kStates[text] || "")}, text);
}
