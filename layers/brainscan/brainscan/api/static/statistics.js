// Counts of the last days, the versions of the network that answered, and the registry.

import { getJson } from "./api.js";
import { CLASSES } from "./classes.js";
import { OUTCOMES, timestamp, h, percent, today, labelOf } from "./dom.js";

const DAYS = 14;

export async function statisticsView() {
  const from = new Date(Date.now() - (DAYS - 1) * 864e5).toISOString().slice(0, 10);
  const [{ days }, { models, served, versions, changes }] = await Promise.all([
    getJson("statistics", { from, to: today() }),
    getJson("models", { from, to: today() }),
  ]);
  const busy = days.filter((day) => Object.keys(day.outcomes).length);
  const columns = [...OUTCOMES.map((code) => ["outcomes", code]), ...CLASSES.map((code) => ["findings", code]),
    ["reviews", "needed"], ["reviews", "confirmed"], ["reviews", "corrected"]];
  return [
    h("div", { class: "title" }, h("h1", {}, "Statistics"), h("p", { class: "muted" }, `the last ${DAYS} days, UTC`)),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Counts a day" },
      h("table", { class: "numbers" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Day"),
          columns.map(([, code]) => h("th", { scope: "col" }, labelOf(code))))),
        h("tbody", {}, busy.map((day) => h("tr", {}, h("th", { scope: "row" }, day.day),
          columns.map(([group, code]) => h("td", {}, String(day[group][code] ?? 0)))))))),
    h("h2", {}, "Models in use"),
    models.length
      ? h("ul", { class: "models" }, models.map((each) =>
          h("li", {}, h("code", {}, each.model_id.slice(0, 16)), ` ${each.scans} scans`)))
      : h("p", { class: "muted" }, "None of these days."),
    h("h2", {}, "Versions"),
    served ? null : h("p", {}, "The model that the image carries is served."),
    ...(versions.length ? registry(versions, changes) : [h("p", { class: "muted" }, "No version was added.")]),
  ];
}

const id = (model) => h("code", {}, model ? model.slice(0, 16) : "the image's");

function table(label, heads, rows) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, h("table", { class: "numbers" },
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((cell) => h("td", {}, cell)))))));
}

function registry(versions, changes) {
  const figures = (version) => Object.entries(version.figures).map(([source, each]) => `${source} ${percent(each.accuracy)}`).join(", ");
  const gate = (found) => (found ? found.failures.join("; ") || "passed" : "not compared");
  return [
    table("Versions", ["Model", "State", "Added (UTC)", "Accuracy", "Gate"], versions.map((each) =>
      [id(each.model_id), each.share == null ? each.state : `${each.state}, ${percent(each.share)}`, timestamp(each.added_at), figures(each), gate(each.gate)])),
    h("h2", {}, "Changes"),
    table("Changes", ["When (UTC)", "Model", "Became", "By", "Why"], changes.map((each) =>
      [timestamp(each.at), id(each.model_id), each.state, each.by, [each.reason, ...each.overridden].filter(Boolean).join("; ") || "–"])),
  ];
}
