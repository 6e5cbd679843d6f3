// A series: its slices to scroll through, and the tumor's extent along them.

import { getAllPages, getJson } from "./api.js";
import { maskEditor } from "./mask-editor.js";
import { attention, basis, lesions, probabilities, states } from "./evidence.js";
import { backToList } from "./router.js";
import { TUMORS } from "./classes.js";
import { badge, h, linkUrl, percent, plural, svg, timestamp, labelOf } from "./dom.js";
import { picture } from "./picture.js";
import { heading, reviewPanel, reviewsOf } from "./review.js";
import { isSource, openViewer } from "./viewer.js";

export async function seriesView(query, signal, place) {
  const id = query.get("series");
  const [series, slices] = await Promise.all([getJson(`series/${id}`), getAllPages(`series/${id}/scans`)]);
  const { summary } = series;
  const history = summary ? await reviewsOf(`series/${id}`) : [];
  if (!slices.length) throw new Error("No slice of this series has arrived.");
  const shown = picture();
  const areas = slices.map((slice) => (TUMORS.includes(slice.finding) ? (slice.tumor?.area_px ?? 0) : 0));
  const key = areas.indexOf(Math.max(...areas));
  const chart = stripChart(slices, areas, (place) => show(place));
  const slider = h("input", { type: "range", min: 1, max: slices.length, value: 1, "aria-label": "Slice" });
  const caption = h("p", { class: "caption" });
  const draw = maskEditor(shown, { usual: summary?.finding, saved: (after) => {
    if (!after) return show(now);
    slices[slices.findIndex((each) => each.scan_id === after.scan_id)] = after;
    return undefined;
  } });
  let now = 0;
  const show = (place) => {
    now = Math.min(slices.length - 1, Math.max(0, place));
    const slice = slices[now];
    shown.show(linkUrl(slice, "image"), linkUrl(slice, "mask"), `Slice ${now + 1} of ${slices.length}`, slice, linkUrl(slice, "reader_mask"));
    draw.show(slice);
    slider.value = now + 1;
    slider.setAttribute("aria-valuetext", `slice ${now + 1}, ${labelOf(slice.finding ?? slice.outcome)}`);
    chart.mark(now);
    caption.replaceChildren(
      h("strong", {}, `${now + 1} / ${slices.length}`), " ", badge(slice.outcome), " ", labelOf(slice.finding), " ",
      percent(slice.confidence), " ", h("a", { href: `/?scan=${slice.scan_id}`, "data-route": true }, "open this slice"));
  };
  slider.addEventListener("input", () => show(slider.value - 1));
  shown.frame.addEventListener("wheel", (event) => {
    if (event.ctrlKey) return; // zooms
    event.preventDefault();
    show(now + Math.sign(event.deltaY));
  }, { passive: false });
  document.getElementById("main").addEventListener("command", ({ detail }) => {
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[detail.key];
    if (step && detail.target !== slider) show(now + step);
    else if (!step && !draw.command(detail) && !shown.command(detail)) return;
    if (detail.target !== slider) detail.preventDefault();
  }, { signal });
  document.getElementById("main").addEventListener("stay", ({ detail }) => (detail.slice = now), { signal });
  show(place?.slice ?? (areas[key] ? key : Math.floor(slices.length / 2)));
  preload(slices, signal);
  const jump = h("button", { type: "button", disabled: !areas[key], onclick: () => show(key) }, `Key slice ${areas[key] ? key + 1 : ""}`);
  return [
    h("p", { class: "back" }, h("a", { href: backToList(), "data-route": true }, "← Worklist")),
    h("div", { class: "title" }, h("h1", {}, summary ? heading(summary) : `Series ${id.slice(0, 8)}`),
      ...(summary ? states(summary) : []),
      h("p", { class: "muted" }, `series ${id.slice(0, 8)}, `, series.remaining ? `${series.remaining} of ${series.expected} slices are still waiting` : `${series.expected} slices, all with an outcome`)),
    h("div", { class: "reading series" },
      h("div", { class: "viewer" }, shown.frame, caption, draw.controls, slider,
        h("p", { class: "strip-title" }, "Mask area along the slices, first to last; in the colour of the slice's class"),
        chart.element,
        h("div", { class: "controls" }, jump, dicomButton(id, slices, signal)), shown.controls),
      h("div", { class: "facts" },
        ...(summary
          ? [attention(summary), probabilities(summary), lesions(summary), reviewPanel(`series/${id}`, summary, history, signal)]
          : []),
        callsOf(slices), written(series), summary ? basis(summary) : null, studyOf(series))),
  ];
}

function dicomButton(id, slices, signal) {
  if (!slices.some(isSource)) return null;
  return h("button", { type: "button", onclick: () => openViewer(id, signal) }, "Open in the DICOM viewer");
}

function stripChart(slices, areas, choose) {
  const most = Math.max(1, ...areas);
  const width = 100 / slices.length;
  const bars = slices.map((slice, place) => {
    const height = (areas[place] / most) * 36;
    return svg("rect", { x: place * width, y: 40 - Math.max(height, 0.8), width: Math.max(width * 0.85, 0.1),
      height: Math.max(height, 0.8), class: `strip ${slice.finding ?? "none"}` });
  });
  const marker = svg("rect", { y: 0, height: 40, width: Math.max(width, 0.6), class: "marker" });
  const element = svg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", class: "strip-chart", role: "img",
    "aria-label": `Mask area along ${slices.length} slices, largest ${most} pixels` }, ...bars, marker);
  element.addEventListener("click", (event) => {
    const box = element.getBoundingClientRect();
    choose(Math.floor(((event.clientX - box.left) / box.width) * slices.length));
  });
  return { element, mark: (place) => marker.setAttribute("x", place * width) };
}

function callsOf(slices) {
  const counts = new Map();
  for (const slice of slices) {
    const name = slice.finding ?? slice.outcome;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const review = slices.filter((slice) => slice.review_state === "needed").length;
  return h("section", { class: "panel" }, h("h2", {}, "Slices by class"),
    h("dl", { class: "pairs" }, [...counts].sort((a, b) => b[1] - a[1]).flatMap(([name, n]) => [h("dt", {}, labelOf(name)), h("dd", {}, String(n))]),
      h("dt", {}, "need review"), h("dd", {}, String(review))),
    h("p", { class: "muted" }, "A slice alone does not make the series' class."));
}

const studyOf = (series) => (series.study_id
  ? h("p", {}, h("a", { href: `/?study=${series.study_id}`, "data-route": true }, `Study ${series.study_id.slice(0, 8)}`)) : null);

function written(series) {
  if (!series.links.length) return null;
  return h("section", { class: "panel" }, h("h2", {}, "Reports"), delivered(series.delivery),
    h("ul", { class: "downloads" }, series.links.map((each) => h("li", {}, h("a", { href: each.url, download: true }, each.name)))));
}

function delivered(delivery) {
  if (!delivery) return null;
  if (delivery.state === "failed") {
    return h("p", { class: "delivery" }, badge("failed"), " not in the PACS: ", labelOf(delivery.reason), ", ", timestamp(delivery.at));
  }
  return h("p", { class: "delivery muted" }, `In the PACS: ${plural(delivery.objects, "object")}, `, timestamp(delivery.at));
}

async function preload(slices, signal) {
  for (const slice of slices) {
    if (signal.aborted) return;
    for (const name of ["image", "mask", "reader_mask"]) {
      const url = linkUrl(slice, name);
      if (!url) continue;
      const image = new Image();
      image.src = url;
      await image.decode().catch(() => {});
    }
  }
}
