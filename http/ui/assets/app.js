// Picks the page by the last part of the path and shows it.
import {el, note} from "./dom.js";
import {queryPage} from "./query.js";
import {alertsPage, rulesPage} from "./rules.js";
import {targetsPage} from "./targets.js";
import {configPage, flagsPage, statusPage, tsdbPage} from "./status.js";

const kPages = {
  "query": ["Query", queryPage],
  "alerts": ["Alerts", alertsPage],
  "targets": ["Targets", targetsPage],
  "rules": ["Rules", rulesPage],
  "status": ["Status", statusPage],
  "tsdb-status": ["Database", tsdbPage],
  "flags": ["Flags", flagsPage],
  "config": ["Configuration", configPage],
};

const current = location.pathname.split("/").pop() || "query";
const [title, page] = kPages[current] || kPages.query;
document.title = `${title} - tocsin`;
document.querySelector("nav").append(...Object.entries(kPages).map(([path, [name]]) =>
  el("a", {href: path, "aria-current": path === current ? "page" : undefined}, name)));

const main = document.querySelector("main");
main.append(el("h1", {}, title));
try {
  await page(main);
} catch (error) {
  main.append(note(error.message, true));
}
