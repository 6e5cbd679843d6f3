// A patient, by the pseudonym: all studies by time of arrival, and how the volume of what is outlined changes.

import { getJson } from "./api.js";
import { backToList } from "./router.js";
import { timestamp, badge, h, panel, plural, svg, volume, labelOf } from "./dom.js";

const WIDTH = 600;
const HEIGHT = 160;
const EDGE = 14;

export async function patientView(query) {
  const id = query.get("patient");
  const { items, follow_ups: changes } = await getJson(`patients/${id}/studies`);
  return [
    h("p", { class: "back" }, h("a", { href: backToList(), "data-route": true }, "← Worklist")),
    h("div", { class: "title" }, h("h1", {}, `Patient ${id.slice(0, 8)}`),
      h("p", { class: "muted" }, `${plural(items.length, "study", "studies")}, by time of arrival`)),
    items.length ? plot(items, changes) : h("p", {}, "No study of this patient is known."),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Studies" },
      h("table", { class: "numbers" },
        h("thead", {}, h("tr", {}, ["Arrived (UTC)", "Study", "Volume", "Largest lesion", "Compared with", "Change", "Review"]
          .map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, items.map((study, place) => row(study, changes[place]))))),
  ];
}

function row(study, change) {
  return h("tr", {},
    h("th", { scope: "row" }, timestamp(study.received_at)),
    h("td", {}, h("a", { href: `/?study=${study.study_id}`, "data-route": true }, labelOf(study.finding ?? study.outcome),
      " ", h("span", { class: "short-id" }, study.study_id.slice(0, 8)))),
    h("td", {}, volume(change)), h("td", {}, volume({ volume_mm3: change.largest_mm3 })), h("td", {}, comparedWith(change)),
    h("td", {}, changeText(change)),
    h("td", {}, study.review_state ? badge(study.review_state, `review-${study.review_state}`) : "–"));
}

function comparedWith(change) {
  if (!change.compared_with) return "–";
  return [volume({ volume_mm3: change.compared_volume_mm3 }), " ",
    h("a", { href: `/?series=${change.compared_with}`, "data-route": true, class: "short-id",
      "aria-label": `Series ${change.compared_with.slice(0, 8)}` }, change.compared_with.slice(0, 8))];
}

function changeText(change) {
  if (change.change_percent == null) return h("small", {}, labelOf(change.not_compared));
  const sign = change.change_percent > 0 ? "+" : "";
  return `${sign}${change.change_percent.toFixed(0)} %`;
}

// Volume over time; a line joins two points only where the volume of the later one was compared with that of the earlier.
function plot(items, changes) {
  const times = items.map((study) => Date.parse(study.received_at));
  const span = Math.max(1, times.at(-1) - times[0]);
  const most = Math.max(1, ...changes.map((each) => each.volume_mm3 ?? 0));
  const x = (place) => (items.length === 1 ? WIDTH / 2 : EDGE + ((times[place] - times[0]) / span) * (WIDTH - 2 * EDGE));
  const y = (place) => HEIGHT - EDGE - (changes[place].volume_mm3 / most) * (HEIGHT - 2 * EDGE);
  const known = changes.map((each, place) => place).filter((place) => changes[place].volume_mm3 != null);
  const joined = (place) => place > 0 && changes[place].compared_with && changes[place].compared_with === changes[place - 1].series_id;
  const lines = known.filter(joined).map((place) =>
    svg("line", { x1: x(place - 1), y1: y(place - 1), x2: x(place), y2: y(place), class: "trend" }));
  const points = known.map((place) => svg("circle", { cx: x(place), cy: y(place), r: 5, class: `strip ${items[place].finding ?? "none"}` }));
  return panel(`Volume over time, up to ${volume({ volume_mm3: most })}`,
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "trend-chart", role: "img",
      "aria-label": `Volume in ${plural(known.length, "study", "studies")}; the numbers are in the table` }, ...lines, ...points));
}
