// One scan: what the network saw, how sure it is, why a reader should look, and what readers said.

import { getJson } from "./api.js";
import { maskEditor } from "./mask-editor.js";
import { attention, probabilities } from "./evidence.js";
import { backToList, navigate, here } from "./router.js";
import { timestamp, badge, h, linkUrl, definitionList, panel, labelOf } from "./dom.js";
import { picture } from "./picture.js";
import { heading, reviewPanel, reviewsOf } from "./review.js";

export async function scanView(query, signal) {
  const scan = await getJson(`scans/${query.get("scan")}`);
  const history = await reviewsOf(`scans/${scan.scan_id}`);
  const shown = picture();
  const image = linkUrl(scan, "image");
  shown.show(image, linkUrl(scan, "mask"), `Scan ${scan.scan_id.slice(0, 8)}`, scan, linkUrl(scan, "reader_mask"));
  const draw = maskEditor(shown, { saved: (after) => after ?? navigate(here()) });
  draw.show(scan);
  shown.frame.addEventListener("wheel", (event) => {
    event.preventDefault();
    shown.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  }, { passive: false });
  document.getElementById("main").addEventListener("command", ({ detail }) => {
    if (draw.command(detail) || shown.command(detail)) detail.preventDefault();
  }, { signal });
  return [
    h("p", { class: "back" }, h("a", { href: backToList(), "data-route": true }, "← Worklist")),
    h("div", { class: "title" }, h("h1", {}, scan.finding ? heading(scan) : `Scan ${labelOf(scan.outcome)}`), badge(scan.outcome),
      scan.review_state ? badge(scan.review_state, `review-${scan.review_state}`) : null),
    h("div", { class: "reading" },
      h("div", { class: "viewer" }, image ? [shown.frame, draw.controls, shown.controls] : h("p", { class: "muted" }, "There is no image to show.")),
      h("div", { class: "facts" },
        attention(scan), probabilities(scan), measurements(scan), reviewing(scan, history, signal), downloads(scan), origin(scan))),
  ];
}

function measurements(scan) {
  const { tumor } = scan;
  if (!tumor) return panel("Mask", h("p", { class: "muted" }, "The mask is empty."));
  const facts = {
    "Longest diameter": tumor.longest_diameter_mm != null
      ? `${tumor.longest_diameter_mm.toFixed(1)} mm` : `${tumor.longest_diameter_px.toFixed(1)} px`,
    Area: tumor.area_mm2 != null ? `${tumor.area_mm2.toFixed(0)} mm²` : `${tumor.area_px} px`,
    Centre: `row ${tumor.centroid[0].toFixed(0)}, column ${tumor.centroid[1].toFixed(0)}`,
    Regions: tumor.components,
    Spacing: scan.spacing_mm ? scan.spacing_mm.map((mm) => `${mm.toFixed(2)} mm`).join(" × ") : "unknown: sizes are in pixels",
  };
  return panel("Mask", definitionList(facts));
}

function reviewing(scan, history, signal) {
  if (scan.superseded) return panel("Review", h("p", { class: "muted" }, "A newer upload has replaced this scan."));
  if (!["analyzed", "abstained"].includes(scan.outcome)) return null;
  return reviewPanel(`scans/${scan.scan_id}`, scan, history, signal);
}

function downloads(scan) {
  return panel("Downloads", h("ul", { class: "downloads" }, scan.links.map((each) =>
    h("li", {}, h("a", { href: each.url, download: true }, each.name)))));
}

function origin(scan) {
  const total = Object.values(scan.timings_ms).reduce((sum, ms) => sum + ms, 0);
  return panel("Where it comes from", definitionList({
    Scan: h("code", {}, scan.scan_id),
    Series: scan.series_id ? h("a", { href: `/?series=${scan.series_id}`, "data-route": true }, scan.series_id) : "none",
    Study: scan.study_id ? h("a", { href: `/?study=${scan.study_id}`, "data-route": true }, scan.study_id) : null,
    Upload: h("a", { href: `/?export_id=${scan.export_id}`, "data-route": true }, scan.export_id),
    Arrived: timestamp(scan.received_at),
    Pixels: scan.rows ? `${scan.rows} × ${scan.columns}` : "–",
    Model: scan.model_id ? h("code", { title: scan.model_id }, scan.model_id.slice(0, 16)) : "none",
    Timings: total ? `${Object.entries(scan.timings_ms).map(([name, ms]) => `${name} ${ms.toFixed(0)}`).join(", ")} ms` : "–",
  }));
}
