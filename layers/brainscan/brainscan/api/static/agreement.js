// How far readers agree with the network and with each other, what is disputed, and how long a verdict takes.

import { getJson } from "./api.js";
import { navigate } from "./router.js";
import { daysAgo, h, definitionList, panel, percent, plural, today } from "./dom.js";

const DAYS = 30;
const KINDS = ["studies", "series", "scans"];

export async function agreementView(query) {
  const level = KINDS.includes(query.get("agreement")) ? query.get("agreement") : KINDS[0];
  const from = query.get("from") || daysAgo(DAYS - 1);
  const to = query.get("to") || today();
  const report = await getJson("agreement", { level, from, to });
  const form = h("form", { class: "filter", "aria-label": "Filters" },
    h("label", {}, "Of", h("select", { name: "agreement" }, KINDS.map((each) =>
      h("option", { value: each, selected: each === level }, each)))),
    h("label", {}, "Arrived from", h("input", { type: "date", name: "from", value: from, max: "9999-12-31", required: true })),
    h("label", {}, "to", h("input", { type: "date", name: "to", value: to, max: "9999-12-31", required: true })));
  form.addEventListener("change", ({ target }) =>
    form.reportValidity() && navigate(`/?${new URLSearchParams([...new FormData(form)])}`, { focus: target.name }));
  form.addEventListener("submit", (event) => event.preventDefault());
  const readers = Object.entries(report.by_reader);
  return [
    h("div", { class: "title" }, h("h1", {}, "Agreement"), h("p", { class: "muted" }, "Cohen's kappa: 0 is chance, 1 is always")),
    form,
    h("div", { class: "agreement" },
      panel("Network and readers", facts(report.network, report.network_masks)),
      panel("Two readers of the same", facts(report.readers, report.reader_masks)),
      panel("Verdicts", definitionList({
        "Findings rejected": String(report.rejected),
        "Median time for one": time(report.median_seconds),
      }))),
    readers.length ? h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Readers" }, h("table", { class: "numbers" },
      h("thead", {}, h("tr", {}, ["Reader", "Verdicts", "As the network", "Kappa", "Masks drawn", "Dice", "Median time"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, readers.map(([reader, each]) => h("tr", {}, h("th", { scope: "row" }, reader),
        h("td", {}, String(each.pairs)), h("td", {}, percent(each.equal)), h("td", {}, kappa(each)),
        h("td", {}, String(each.masks.pairs)), h("td", {}, dice(each.masks)), h("td", {}, time(each.median_seconds))))))) : null,
    report.disputed.length ? panel(`${plural(report.disputed.length, "case")} that two readers call differently: a third decides`,
      h("ul", {}, report.disputed.map((id) => h("li", {}, h("a", { href: `/?${{ studies: "study", series: "series", scans: "scan" }[level]}=${id}`, "data-route": true }, id.slice(0, 8)))))) : null,
  ];
}

const kappa = (each) => (each.kappa == null ? "–" : each.kappa.toFixed(2));

const dice = (masks) => (masks.mean_dice == null ? "–" : masks.mean_dice.toFixed(2));

const time = (seconds) => (seconds == null ? "–" : `${seconds.toFixed(0)} s`);

const facts = (each, masks) => definitionList({ Called: String(each.pairs), Alike: percent(each.equal), Kappa: kappa(each),
  ...(masks.pairs ? { "Pairs of masks": String(masks.pairs), "Mean Dice": dice(masks) } : {}) });
