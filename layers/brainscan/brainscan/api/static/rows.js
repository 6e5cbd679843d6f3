// A row of the worklist: of a study, of a series, of a scan.

import { timestamp, badge, h, length, linkUrl, percent, plural, reasons, tumorSize, volume, labelOf } from "./dom.js";

const cell = (label, ...children) =>
  h("td", { "data-label": label, class: children[0] === "–" ? "empty" : null }, ...children);

function thumbnail(item) {
  const image = linkUrl(item, "image");
  return h("td", { class: "thumbnail" }, image
    ? h("img", { src: image, alt: "", loading: "lazy", width: 56, height: 56 })
    : h("span", { class: "no-image", "aria-hidden": "true" }, "–"));
}

function openLink(kind, id, item) {
  const name = item.finding ? labelOf(item.finding) : labelOf(item.outcome);
  return h("th", { scope: "row" },
    h("a", { href: KINDS[kind].address(item), "data-route": true, class: "open" },
      h("span", { class: `dot ${item.finding ?? "none"}`, "aria-hidden": "true" }), name,
      h("span", { class: "short-id" }, id.slice(0, 8))));
}

const row = (item, ...cells) => h("tr", { class: item.review_state === "needed" ? "attention" : "" }, ...cells);

const review = (item) =>
  cell("Review", item.review_state ? badge(item.review_state, `review-${item.review_state}`) : "–",
    reasons(item.review_state === "needed" ? item.review_reasons : []),
    item.review_state && item.review ? h("small", {}, item.review.reader) : null);

const lesions = (item) => {
  if (!item.lesion_count) return cell("Lesions", "–");
  const longest = item.lesions.reduce((most, each) => (each.longest_diameter_px > most.longest_diameter_px ? each : most));
  return cell("Lesions", `${plural(item.lesion_count, "lesion")}, ${length(longest.longest_diameter_mm, longest.longest_diameter_px)}`);
};

const slices = (item) =>
  cell("Slices", h("span", { title: "analyzed, abstained, without an answer" },
    `${item.slices_analyzed} / ${item.slices_abstained} / ${item.slices_rejected}`));

function studyRow(study) {
  const other = study.disagreeing.length;
  return row(study, thumbnail(study), openLink("studies", study.study_id, study),
    cell("Tumor", percent(study.tumor_probability)), cell("Volume", volume(study)), lesions(study),
    cell("Series", plural(study.series.length, "series", "series"), other ? h("small", {}, `${other} called otherwise`) : null),
    slices(study), review(study), cell("Arrived", timestamp(study.received_at)));
}

function seriesRow(series) {
  return row(series, thumbnail(series), openLink("series", series.series_id, series),
    cell("Tumor", percent(series.tumor_probability)), cell("Volume", volume(series)), lesions(series),
    slices(series), review(series), cell("Arrived", timestamp(series.received_at)),
    cell("Study", series.study_id
      ? h("a", { href: `/?study=${series.study_id}`, "data-route": true, "aria-label": `Study ${series.study_id.slice(0, 8)}` },
          series.study_id.slice(0, 8))
      : "–"));
}

function scanRow(scan) {
  return row(scan, thumbnail(scan), openLink("scans", scan.scan_id, scan),
    cell("Confidence", percent(scan.finding ? scan.probabilities?.[scan.finding] : scan.confidence)),
    cell("Size", tumorSize(scan.tumor)),
    cell("Outcome", badge(scan.outcome), reasons(scan.reasons)),
    cell("Review", scan.review_state ? badge(scan.review_state, `review-${scan.review_state}`) : "–",
      reasons(scan.review ? [] : scan.review_reasons)),
    cell("Arrived", timestamp(scan.received_at)),
    cell("Series", scan.series_id
      ? h("a", { href: `/?series=${scan.series_id}`, "data-route": true, "aria-label": `Series ${scan.series_id.slice(0, 8)}` },
          scan.series_id.slice(0, 8))
      : "–"));
}

export const KINDS = {
  studies: { one: "study", row: studyRow, address: (study) => `/?study=${study.study_id}`,
    columns: ["Image", "Study", "Tumor", "Volume", "Lesions", "Series", "Slices", "Review", "Arrived (UTC)"] },
  series: { one: "series", row: seriesRow, address: (series) => `/?series=${series.series_id}`,
    columns: ["Image", "Series", "Tumor", "Volume", "Lesions", "Slices", "Review", "Arrived (UTC)", "Study"] },
  scans: { one: "scan", row: scanRow, address: (scan) => `/?scan=${scan.scan_id}`,
    columns: ["Image", "Class", "Confidence", "Size", "Outcome", "Review", "Arrived (UTC)", "Series"] },
};
