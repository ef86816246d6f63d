// Rule groups, and alerts by state.
import {ago, api, el, labels, note, seconds, state, table} from "./dom.js";

function exprLink(query) {
  return el("a", {class: "mono", href: "query?g0.tab=1&g0.expr=" + encodeURIComponent(query)}, query);
}

function ruleRow(rule) {
  return [
    rule.name,
    el("td", {}, exprLink(rule.query), rule.duration ? el("div", {class: "dim"}, `for ${rule.duration} s`) : null,
      el("div", {}, labels(rule.labels || {}))),
    rule.type === "alerting" ? state(rule.state) : el("span", {class: "dim"}, "recording"),
    el("td", {}, state(rule.health), rule.lastError ? el("div", {class: "bad"}, rule.lastError) : null),
    `${ago(rule.lastEvaluation)}, took ${seconds(rule.evaluationTime)}`,
  ];
}

export async function rulesPage(main) {
  const {data} = await api("rules");
  if (!data.groups.length) main.append(note("No rules. Add rule_files to the configuration."));
  for (const group of data.groups) {
    main.append(el("h2", {}, group.name, " ", el("span", {class: "dim"},
      `${group.file}, every ${group.interval} s`)),
      table(["Rule", "Expression", "State", "Health", "Evaluation"], group.rules.map(ruleRow)));
  }
}

function alertRow(alert) {
  return [
    state(alert.state),
    labels(alert.labels, ["alertname"]),
    el("td", {}, Object.entries(alert.annotations || {}).map(([name, text]) =>
      el("div", {}, el("span", {class: "dim"}, name + ": "), text))),
    ago(alert.activeAt),
    el("td", {class: "mono num"}, alert.value),
  ];
}

const kOrder = {firing: 0, pending: 1, unknown: 2, inactive: 3};

export async function alertsPage(main) {
  const {data} = await api("rules", {type: "alert"});
  const rules = data.groups.flatMap((group) => group.rules);
  rules.sort((a, b) => kOrder[a.state] - kOrder[b.state]);
  const counts = Object.keys(kOrder).map((name) => [name, rules.filter((r) => r.state === name).length]);
  main.append(el("p", {}, counts.filter(([, n]) => n).map(([name, n]) => el("span", {}, state(name), ` ${n}  `))));
  if (!rules.length) main.append(note("No alerting rules."));
  for (const rule of rules.filter((r) => r.alerts.length)) {
    main.append(el("h2", {}, rule.name, " ", state(rule.state)), exprLink(rule.query),
      table(["State", "Labels", "Annotations", "Active since", "Value"], rule.alerts.map(alertRow)));
  }
  const quiet = rules.filter((r) => !r.alerts.length);
  if (quiet.length) {
    main.append(el("h2", {}, "Not active"),
      table(["Alert", "Expression"], quiet.map((r) => [r.name, exprLink(r.query)])));
  }
}
