// Targets by pool, those in trouble first.
import {ago, api, el, labels, note, seconds, state, table} from "./dom.js";

const kOrder = {down: 0, unknown: 1, up: 2};

function row(target) {
  return [
    el("td", {}, el("a", {href: target.globalUrl}, target.scrapeUrl)),
    state(target.health),
    labels(target.labels),
    `${ago(target.lastScrape)}, took ${seconds(target.lastScrapeDuration)}, every ${target.scrapeInterval}`,
    el("td", {class: "bad"}, target.lastError),
  ];
}

export async function targetsPage(main) {
  const {data} = await api("targets", {state: "active"});
  const pools = Map.groupBy ? Map.groupBy(data.activeTargets, (t) => t.scrapePool) : new Map();
  if (!Map.groupBy) {
    for (const target of data.activeTargets) {
      pools.set(target.scrapePool, [...(pools.get(target.scrapePool) || []), target]);
    }
  }
  if (!pools.size) main.append(note("No targets. Add scrape_configs to the configuration."));
  for (const [pool, targets] of pools) {
    const up = targets.filter((t) => t.health === "up").length;
    targets.sort((a, b) => kOrder[a.health] - kOrder[b.health]);
    main.append(el("h2", {}, `${pool} `, el("span", {class: up === targets.length ? "good" : "bad"},
      `${up}/${targets.length} up`)),
      table(["Endpoint", "State", "Labels", "Last scrape", "Error"], targets.map(row)));
  }
}
