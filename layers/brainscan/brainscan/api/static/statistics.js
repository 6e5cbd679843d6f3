// Counts of the last days, and the versions of the network that answered.

import { ask } from "./api.js";
import { CLASSES } from "./classes.js";
import { OUTCOMES, h, today, words } from "./dom.js";

const DAYS = 14;

export async function statisticsView() {
  const from = new Date(Date.now() - (DAYS - 1) * 864e5).toISOString().slice(0, 10);
  const [{ days }, { models }] = await Promise.all([
    ask("statistics", { from, to: today() }),
    ask("models", { from, to: today() }),
  ]);
  const busy = days.filter((day) => Object.keys(day.outcomes).length);
  const columns = [...OUTCOMES.map((code) => ["outcomes", code]), ...CLASSES.map((code) => ["findings", code]),
    ["reviews", "needed"], ["reviews", "confirmed"], ["reviews", "corrected"]];
  return [
    h("div", { class: "title" }, h("h1", {}, "Statistics"), h("p", { class: "muted" }, `the last ${DAYS} days, UTC`)),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Counts a day" },
      h("table", { class: "numbers" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Day"),
          columns.map(([, code]) => h("th", { scope: "col" }, words(code))))),
        h("tbody", {}, busy.map((day) => h("tr", {}, h("th", { scope: "row" }, day.day),
          columns.map(([group, code]) => h("td", {}, String(day[group][code] ?? 0)))))))),
    h("h2", {}, "Models in use"),
    models.length
      ? h("ul", { class: "models" }, models.map((each) =>
          h("li", {}, h("code", {}, each.model_id.slice(0, 16)), ` ${each.scans} scans`)))
      : h("p", { class: "muted" }, "None of these days."),
  ];
}
