// How far readers agree with the network and with each other, what is disputed, and how long a verdict takes.

import { ask } from "./api.js";
import { go } from "./router.js";
import { daysAgo, h, pairs, panel, percent, plural, today } from "./dom.js";

const DAYS = 30;

export async function agreementView(query) {
  const judged = query.get("agreement") === "series" ? "series" : "studies";
  const from = query.get("from") || daysAgo(DAYS - 1);
  const to = query.get("to") || today();
  const told = await ask("agreement", { judged, from, to });
  const form = h("form", { class: "filter", "aria-label": "Filters" },
    h("label", {}, "Of", h("select", { name: "agreement" }, ["studies", "series"].map((each) =>
      h("option", { value: each, selected: each === judged }, each)))),
    h("label", {}, "Arrived from", h("input", { type: "date", name: "from", value: from, max: "9999-12-31", required: true })),
    h("label", {}, "to", h("input", { type: "date", name: "to", value: to, max: "9999-12-31", required: true })));
  form.addEventListener("change", ({ target }) =>
    form.reportValidity() && go(`/?${new URLSearchParams([...new FormData(form)])}`, { focus: target.name }));
  form.addEventListener("submit", (event) => event.preventDefault());
  const readers = Object.entries(told.by_reader);
  return [
    h("div", { class: "title" }, h("h1", {}, "Agreement"), h("p", { class: "muted" }, "Cohen's kappa: 0 is chance, 1 is always")),
    form,
    h("div", { class: "agreement" },
      panel("Network and readers", facts(told.network)),
      panel("Two readers of the same", facts(told.readers)),
      panel("Verdicts", pairs({
        "Findings rejected": String(told.rejected),
        "Median time for one": told.median_seconds == null ? "–" : `${told.median_seconds.toFixed(0)} s`,
      }))),
    readers.length ? h("table", { class: "numbers" },
      h("thead", {}, h("tr", {}, ["Reader", "Verdicts", "As the network", "Kappa"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, readers.map(([reader, each]) => h("tr", {}, h("th", { scope: "row" }, reader),
        h("td", {}, String(each.pairs)), h("td", {}, percent(each.equal)), h("td", {}, kappa(each)))))) : null,
    told.disputed.length ? panel(`${plural(told.disputed.length, "case")} that two readers call differently: a third decides`,
      h("ul", {}, told.disputed.map((id) => h("li", {}, h("a", { href: `/?${judged === "series" ? "series" : "study"}=${id}`, "data-route": true }, id.slice(0, 8)))))) : null,
  ];
}

const kappa = (each) => (each.kappa == null ? "–" : each.kappa.toFixed(2));

const facts = (each) => pairs({ Called: String(each.pairs), Alike: percent(each.equal), Kappa: kappa(each) });
