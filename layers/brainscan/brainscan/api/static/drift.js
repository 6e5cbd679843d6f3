// How far scans and answers of some days are from those of a reference window, by site; and quality by device.

import { getJson } from "./api.js";
import { navigate } from "./router.js";
import { badge, capitalized, daysAgo, h, panel, percent, plural, svg, today, labelOf } from "./dom.js";

const DAYS = 14;
const SHIFTED = 0.1;
const DRIFTED = 0.25;
const WIDTH = 300;
const HEIGHT = 70;
const REFERENCES = [["before", "the weeks before"], ["model", "the model's first weeks"]];
const NAMES = { intensity: "Brightness", size: "Image size, pixels", vendor: "Maker", sequence: "Weighting",
  scope: "Scope distance", class: "Class", confidence: "Confidence", outcome: "Outcome", area: "Mask, share of the image" };

export async function driftView(query) {
  const selection = {
    from: query.get("from") || daysAgo(DAYS - 1),
    to: query.get("to") || today(),
    site: query.get("site") ?? "",
    reference: query.get("drift") === "model" ? "model" : "before",
  };
  const { sites } = await getJson("sites");
  const head = [
    h("div", { class: "title" }, h("h1", {}, "Drift"),
      h("p", { class: "muted" }, `population stability index: from ${SHIFTED} shifted, from ${DRIFTED} drifted`)),
    form(selection, sites),
  ];
  let report;
  try {
    report = await getJson("drift", selection);
  } catch (error) {
    if (error.status !== 422) throw error;
    return [...head, h("p", { class: "trouble", role: "alert" }, error.message)];
  }
  return [...head, ...(report.scans ? driftReport(report) : [h("p", {}, "No scan of these days was read.")])];
}

function form(selection, sites) {
  const choice = (name, label, options, chosen) => h("label", {}, label, h("select", { name }, options.map(([value, text]) =>
    h("option", { value, selected: value === chosen }, text))));
  const day = (name, label) => h("label", {}, label,
    h("input", { type: "date", name, value: selection[name], max: "9999-12-31", required: true }));
  const filled = h("form", { class: "filter", "aria-label": "Filters" },
    choice("drift", "Compared with", REFERENCES, selection.reference),
    sites.length ? choice("site", "Site", [["", "all"], ...sites.map((site) => [site, site])], selection.site) : null,
    day("from", "Arrived from"), day("to", "to"));
  filled.addEventListener("change", ({ target }) =>
    filled.reportValidity() && navigate(`/?${new URLSearchParams([...new FormData(filled)])}`, { focus: target.name }));
  filled.addEventListener("submit", (event) => event.preventDefault());
  return filled;
}

function driftReport(report) {
  const reference = report.reference;
  const same = report.models.join() === reference.models.join();
  return [
    h("p", {}, `${plural(report.scans, "scan")} against ${plural(reference.scans, "scan")} of ${reference.first} to ${reference.last}.`),
    same || !reference.scans ? null : h("p", { class: "otherwise" }, "The models that answered are not the reference's: answers may move by that."),
    h("h2", {}, "What comes in"),
    h("div", { class: "drifts" }, report.features.filter((each) => !each.output).map(featurePanel)),
    h("h2", {}, "What is answered"),
    h("div", { class: "drifts" }, report.features.filter((each) => each.output).map(featurePanel)),
    h("h2", {}, "Quality by device"),
    deviceTable(report.devices),
  ];
}

function featurePanel(each) {
  const name = NAMES[each.feature];
  return panel(name,
    h("p", {}, badge(worst(each), `level-${worst(each)}`), " ",
      each.overall.psi == null ? tooFewText(each) : `${number(each.overall.psi)} over all days${drifted(each)}`),
    each.reference_scans ? sharesChart(each, name) : null,
    trendChart(each, name),
    h("details", {}, h("summary", {}, "Numbers"), featureTable(each, name)));
}

const LEVELS = ["too_few", "stable", "shifted", "drifted"];

// Of all days together, and of each.
const worst = (each) => [each.overall, ...each.days].map((some) => some.level)
  .reduce((a, b) => (LEVELS.indexOf(b) > LEVELS.indexOf(a) ? b : a));

function drifted(each) {
  const count = each.days.filter((day) => day.level === "drifted").length;
  return count ? `, drifted on ${count} of ${plural(each.days.length, "day")}` : "";
}

const tooFewText = (each) => `${plural(each.overall.scans, "scan")}, ${each.reference_scans} in the reference: too few to say`;
const number = (value) => (value == null ? "–" : value.toFixed(3));
const bars = (label, ...shapes) => svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "drift-chart",
  role: "img", "aria-label": label }, ...shapes);

// The reference behind, the compared days in front.
function sharesChart(each, name) {
  const most = Math.max(0.01, ...each.reference, ...each.current);
  const step = WIDTH / each.bins.length;
  const bar = (share, place, wide, kind) => {
    const tall = (share / most) * (HEIGHT - 4);
    return svg("rect", { x: place * step + (step * (1 - wide)) / 2, y: HEIGHT - tall, width: step * wide, height: tall, class: kind });
  };
  return bars(`${name}: shares of ${each.bins.length} bins, now in front of the reference`,
    ...each.reference.map((share, place) => bar(share, place, 0.9, "before")),
    ...each.current.map((share, place) => bar(share, place, 0.45, "now")));
}

function trendChart(each, name) {
  const known = each.days.filter((day) => day.psi != null);
  if (!known.length) return null;
  const most = Math.max(DRIFTED * 1.2, ...known.map((day) => day.psi));
  const y = (psi) => HEIGHT - (psi / most) * (HEIGHT - 4);
  const step = WIDTH / each.days.length;
  const farthest = known.reduce((a, b) => (b.psi > a.psi ? b : a));
  const line = (psi) => svg("line", { x1: 0, x2: WIDTH, y1: y(psi), y2: y(psi), class: "limit" });
  return bars(`${name}: index by day, farthest ${number(farthest.psi)} on ${farthest.day}`,
    ...each.days.map((day, place) => svg("rect", { x: place * step + step * 0.15, y: y(day.psi ?? 0), width: step * 0.7,
      height: HEIGHT - y(day.psi ?? 0), class: `day level-${day.level}` })), line(SHIFTED), line(DRIFTED));
}

function featureTable(each, name) {
  const table = (label, heads, rows) => h("table", { class: "numbers" }, h("caption", {}, label),
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((text) => h("td", {}, text))))));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${name}, numbers` },
    table("By day", ["Day", "Scans", "Index", "Jensen-Shannon", "KS", "Level"], each.days.map((day) =>
      [day.day, String(day.scans), number(day.psi), number(day.jensen_shannon), number(day.kolmogorov_smirnov), labelOf(day.level)])),
    table("Shares", ["Bin", "Reference", "Now"], each.bins.map((bin, place) =>
      [labelOf(bin), percent(each.reference[place]), percent(each.current[place])])));
}

function deviceTable(known) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Quality by device" },
    h("table", { class: "numbers" },
      h("thead", {}, h("tr", {}, ["Device", "Scans", "Rejected", "Abstained", "To review"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, known.map((each) => h("tr", {}, h("th", { scope: "row" }, deviceName(each)), h("td", {}, String(each.scans)),
        [each.rejected, each.abstained, each.flagged].map((n) => h("td", {}, percent(n / each.scans))))))));
}

const MAKERS = { ge: "GE", fujifilm: "Fujifilm", united_imaging: "United Imaging" };
const deviceName = ({ vendor, model }) =>
  (vendor ? `${MAKERS[vendor] ?? capitalized(vendor)} ${model ?? "(another model)"}` : "Not stated");
