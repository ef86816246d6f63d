// What runs, with which flags and configuration, and what the database holds.
import {api, el, table} from "./dom.js";

function pairs(object) {
  return table(["Name", "Value"], Object.entries(object).map(([name, value]) =>
    [name, el("td", {class: "mono"}, String(value))]));
}

export async function statusPage(main) {
  const [runtime, build] = await Promise.all([api("status/runtimeinfo"), api("status/buildinfo")]);
  main.append(el("h2", {}, "Runtime"), pairs(runtime.data), el("h2", {}, "Build"), pairs(build.data));
}

export async function flagsPage(main) {
  main.append(pairs((await api("status/flags")).data));
}

export async function configPage(main) {
  main.append(el("pre", {}, (await api("status/config")).data.yaml));
}

const kLists = {
  seriesCountByMetricName: "Most series by metric",
  labelValueCountByLabelName: "Most values by label",
  memoryInBytesByLabelName: "Most bytes by label",
  seriesCountByLabelValuePair: "Most series by label value",
};

export async function tsdbPage(main) {
  const {data} = await api("status/tsdb", {limit: 20});
  main.append(pairs(data.headStats));
  for (const [key, title] of Object.entries(kLists)) {
    main.append(el("h2", {}, title), table(["Name", "Count"], data[key].map(({name, value}) =>
      [el("td", {class: "mono"}, name), el("td", {class: "num"}, String(value))])));
  }
}
