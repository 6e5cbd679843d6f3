// One scan: what the network saw, how sure it is, why a reader should look, and what readers said.

import { ask, send } from "./api.js";
import { backToList, go } from "./router.js";
import { CLASSES } from "./classes.js";
import { arrived, badge, h, link, percent, say, trouble, words } from "./dom.js";
import { picture } from "./picture.js";

export async function scanView(query, signal) {
  const scan = await ask(`scans/${query.get("scan")}`);
  const { items: history } = await ask(`scans/${scan.scan_id}/reviews`);
  const shown = picture();
  const image = link(scan, "image");
  shown.show(image, link(scan, "mask"), `Scan ${scan.scan_id.slice(0, 8)}`);
  shown.frame.addEventListener("wheel", (event) => {
    event.preventDefault();
    shown.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  }, { passive: false });
  document.getElementById("main").addEventListener("command", ({ detail }) => shown.command(detail), { signal });
  return [
    h("p", { class: "back" }, h("a", { href: backToList(), "data-route": true }, "← Worklist")),
    h("div", { class: "title" }, h("h1", {}, heading(scan)), badge(scan.outcome),
      scan.review_state ? badge(scan.review_state, `review-${scan.review_state}`) : null),
    h("div", { class: "reading" },
      h("div", { class: "viewer" }, image ? [shown.frame, shown.controls] : h("p", { class: "muted" }, "There is no image to show.")),
      h("div", { class: "facts" },
        attention(scan), probabilities(scan), measurements(scan), reviewing(scan), past(history), downloads(scan), origin(scan))),
  ];
}

const heading = (scan) =>
  scan.called ? `${words(scan.called)[0].toUpperCase()}${words(scan.called).slice(1)}` : `Scan ${words(scan.outcome)}`;

function panel(title, ...children) {
  return h("section", { class: "panel" }, h("h2", {}, title), ...children);
}

function attention(scan) {
  const lines = [
    ...scan.reasons.map((code) => `${words(scan.outcome)}: ${words(code)}`),
    ...scan.review_reasons.map((code) => `look at: ${words(code)}`),
  ];
  return lines.length ? panel("Why to look twice", h("ul", {}, lines.map((line) => h("li", {}, line)))) : null;
}

function probabilities(scan) {
  if (!scan.probabilities) return null;
  const bars = CLASSES.map((code) => {
    const share = scan.probabilities[code];
    const chosen = code === scan.predicted;
    return h("div", { class: chosen ? "bar chosen" : "bar" },
      h("dt", {}, words(code)),
      h("dd", {}, h("span", { class: "track", "aria-hidden": "true" },
        h("span", { class: `fill ${code}`, style: { width: `${share * 100}%` } })), percent(share)));
  });
  return panel("Class, calibrated probability", h("dl", { class: "bars" }, bars));
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
  return panel("Mask", table(facts));
}

function reviewing(scan) {
  if (scan.superseded) return panel("Review", h("p", { class: "muted" }, "A newer upload has replaced this scan."));
  if (!["analyzed", "abstained"].includes(scan.outcome)) return null;
  const told = h("div");
  const decide = (verdict, corrected) => async () => {
    try {
      const body = { verdict, revision: scan.revision, ...(corrected ? { corrected: corrected() } : {}) };
      const after = await send(`scans/${scan.scan_id}/reviews`, body);
      go(location.pathname + location.search);
      say(`Recorded: ${words(after.review.verdict)}.`);
    } catch (error) {
      const again = h("button", { type: "button", onclick: () => go(location.pathname + location.search) }, "Read it again");
      told.replaceChildren(trouble(error), error.status === 409 ? again : "");
    }
  };
  const choice = h("select", { "aria-label": "Corrected class" },
    CLASSES.filter((code) => code !== scan.predicted).map((code) => h("option", { value: code }, words(code))));
  return panel("Review",
    h("div", { class: "verdicts" },
      scan.predicted ? h("button", { type: "button", class: "primary", onclick: decide("confirmed") }, `Confirm ${words(scan.predicted)}`) : null,
      h("button", { type: "button", class: "danger", onclick: decide("rejected") }, "Reject"),
      h("span", { class: "correct" }, choice,
        h("button", { type: "button", onclick: decide("corrected", () => choice.value) }, "Correct"))),
    told);
}

function past(history) {
  if (!history.length) return null;
  return panel("Reviews so far", h("ol", { class: "history" }, history.map((each) =>
    h("li", {}, h("strong", {}, words(each.verdict)), each.corrected ? ` to ${words(each.corrected)}` : "",
      ` by ${each.reader}, `, arrived(each.reviewed_at)))));
}

function downloads(scan) {
  return panel("Downloads", h("ul", { class: "downloads" }, scan.links.map((each) =>
    h("li", {}, h("a", { href: each.url, download: true }, each.name)))));
}

function origin(scan) {
  const total = Object.values(scan.timings_ms).reduce((sum, ms) => sum + ms, 0);
  return panel("Where it comes from", table({
    Scan: h("code", {}, scan.scan_id),
    Series: scan.series_id ? h("a", { href: `/?series=${scan.series_id}`, "data-route": true }, scan.series_id) : "none",
    Upload: h("code", {}, scan.export_id),
    Arrived: arrived(scan.received_at),
    Pixels: scan.rows ? `${scan.rows} × ${scan.columns}` : "–",
    Model: scan.model_id ? h("code", { title: scan.model_id }, scan.model_id.slice(0, 16)) : "none",
    Timings: total ? `${Object.entries(scan.timings_ms).map(([name, ms]) => `${name} ${ms.toFixed(0)}`).join(", ")} ms` : "–",
  }));
}

function table(facts) {
  return h("dl", { class: "pairs" }, Object.entries(facts).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
