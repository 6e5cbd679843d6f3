// What a series or study shows: verdict, probabilities, lesions and slices, as panels.

import { CLASSES } from "./classes.js";
import { timestamp, badge, h, length, definitionList, panel, percent, volume, labelOf } from "./dom.js";

export function attention(item) {
  const lines = [...(item.reasons ?? []).map((code) => `${labelOf(item.outcome)}: ${labelOf(code)}`),
    ...item.review_reasons.map((code) => `look at: ${labelOf(code)}`)];
  return lines.length ? panel("Why to look twice", h("ul", {}, lines.map((line) => h("li", {}, line)))) : null;
}

export function probabilities(item) {
  if (!item.probabilities) return null;
  const bars = CLASSES.map((code) => {
    const share = item.probabilities[code];
    return h("div", { class: code === item.predicted ? "bar chosen" : "bar" },
      h("dt", {}, labelOf(code)),
      h("dd", {}, h("span", { class: "track", "aria-hidden": "true" },
        h("span", { class: `fill ${code}`, style: { width: `${share * 100}%` } })), percent(share)));
  });
  return panel("Class, calibrated probability", h("dl", { class: "bars" }, bars));
}

export function lesions(item) {
  if (!item.lesion_count) return panel("Lesions", h("p", { class: "muted" }, "None is outlined."));
  const columns = ["Lesion", "Volume", "Longest", "Across it", "Slices"];
  const rows = item.lesions.map((each) => h("tr", {},
    h("th", { scope: "row" }, h("a", { href: `/?scan=${each.key_slice}`, "data-route": true }, `${each.number}`),
      " ", h("span", { class: `dot ${each.tumor_class}`, "aria-hidden": "true" }), ` ${labelOf(each.tumor_class)}`),
    h("td", {}, volume(each)), h("td", {}, length(each.longest_diameter_mm, each.longest_diameter_px)),
    h("td", {}, length(each.perpendicular_diameter_mm, each.perpendicular_diameter_px)), h("td", {}, String(each.slices))));
  const more = item.lesion_count - item.lesions.length;
  return panel("Lesions", h("p", {}, `Together ${volume(item)}.`),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Lesions" },
      h("table", { class: "numbers" }, h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows))),
    more > 0 ? h("p", { class: "muted" }, `${more} smaller ones are listed in series.json.`) : null);
}

export function basis(item) {
  return panel("What it rests on", definitionList({
    "Slices analyzed": String(item.slices_analyzed),
    "that abstain": String(item.slices_abstained),
    "without an answer": String(item.slices_rejected),
    "Key slice": item.key_slice ? h("a", { href: `/?scan=${item.key_slice}`, "data-route": true }, item.key_slice.slice(0, 8)) : null,
    Model: item.model_id ? h("code", { title: item.model_id }, item.model_id.slice(0, 16)) : "none",
    Arrived: timestamp(item.received_at),
    Uploads: h("span", {}, item.export_ids.map((id) => [h("a", { href: `/?export_id=${id}`, "data-route": true }, id.slice(0, 8)), " "]).flat()),
    Patient: item.patient_id ? h("a", { href: `/?patient=${item.patient_id}`, "data-route": true }, `${item.patient_id.slice(0, 8)}: all studies`) : null,
  }));
}

export const states = (item) =>
  [badge(item.outcome), item.review_state ? badge(item.review_state, `review-${item.review_state}`) : null];
