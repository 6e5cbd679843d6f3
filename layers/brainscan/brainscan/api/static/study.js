// A study: its verdict, the series that it rests on, those that say otherwise, and its lesions.

import { getJson } from "./api.js";
import { attention, basis, lesions, probabilities, states } from "./evidence.js";
import { backToList, navigate } from "./router.js";
import { badge, h, linkUrl, panel, percent, plural, volume, labelOf } from "./dom.js";
import { picture } from "./picture.js";
import { heading, reviewPanel, reviewsOf } from "./review.js";

export async function studyView(query, signal) {
  const id = query.get("study");
  const [study, history] = await Promise.all([getJson(`studies/${id}`), reviewsOf(`studies/${id}`)]);
  const image = linkUrl(study, "image");
  const shown = picture();
  shown.show(image, linkUrl(study, "mask"), "The key slice of the series that the verdict rests on",
    study.of_series.find((each) => each.series_id === study.rests_on)?.geometry);
  document.getElementById("main").addEventListener("command", ({ detail }) => {
    if (shown.command(detail)) detail.preventDefault();
    else if (detail.key === "s" && study.rests_on) navigate(`/?series=${study.rests_on}`);
  }, { signal });
  return [
    h("p", { class: "back" }, h("a", { href: backToList(), "data-route": true }, "← Worklist")),
    h("div", { class: "title" }, h("h1", {}, study.withdrawn ? "Study taken back" : heading(study)), ...states(study),
      h("p", { class: "muted" }, `study ${id.slice(0, 8)}, ${plural(study.series.length, "series", "series")}`)),
    h("div", { class: "reading" },
      h("div", { class: "viewer" }, image ? [shown.frame, shown.controls] : h("p", { class: "muted" }, "There is no image to show."),
        seriesOf(study)),
      h("div", { class: "facts" }, attention(study), probabilities(study), lesions(study),
        reviewPanel(`studies/${id}`, study, history, signal), basis(study))),
  ];
}

function seriesOf(study) {
  const columns = ["Series", "Class", "Confidence", "Volume", "Review", "Reports"];
  const rows = study.of_series.map((each) => h("tr", {},
    h("th", { scope: "row" }, h("a", { href: `/?series=${each.series_id}`, "data-route": true }, each.series_id.slice(0, 8)), note(study, each)),
    h("td", {}, labelOf(each.finding ?? each.outcome)), h("td", {}, percent(each.confidence)), h("td", {}, volume(each)),
    h("td", {}, each.review_state ? badge(each.review_state, `review-${each.review_state}`) : "–"),
    h("td", {}, h("span", { class: "files" }, each.reports.map((file) =>
      h("a", { href: file.url, download: true, "aria-label": `${file.name} of series ${each.series_id.slice(0, 8)}` }, file.name))))));
  return panel("Series", h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Series of the study" },
    h("table", { class: "numbers with-files" }, h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows))));
}

function note(study, series) {
  if (series.series_id === study.rests_on) return h("small", {}, "the verdict rests on it");
  return study.disagreeing.includes(series.series_id) ? h("small", { class: "otherwise" }, "called otherwise") : null;
}
