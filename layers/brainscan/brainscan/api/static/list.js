// The worklist: a table of scans whose filters live in the address, and the uploads that are under way.

import { all, ask } from "./api.js";
import { go } from "./router.js";
import { CLASSES } from "./classes.js";
import { OUTCOMES, REVIEWS, arrived, badge, h, link, percent, say, size, today, trouble, words } from "./dom.js";
import { progressOf } from "./exports.js";

const FILTERS = ["finding", "outcome", "review", "min_confidence", "from", "to"];
const PAGE = 50;
const POLL_MS = 1500;

export async function listView(query, signal) {
  const wanted = Object.fromEntries(FILTERS.filter((name) => query.get(name)).map((name) => [name, query.get(name)]));
  const page = await ask("scans", { ...wanted, limit: PAGE });
  const body = h("tbody", {}, page.items.map(row));
  const count = h("p", { class: "muted", id: "count" });
  const more = h("button", { type: "button", class: "quiet", hidden: !page.cursor }, "Show more");
  more.addEventListener("click", async () => {
    const next = await ask("scans", { ...wanted, limit: PAGE, cursor: page.cursor });
    body.append(...next.items.map(row));
    page.cursor = next.cursor;
    more.hidden = !page.cursor;
    tell();
  });
  const tell = () => {
    const shown = body.children.length;
    count.textContent = shown
      ? `${shown}${page.cursor ? " or more" : ""} ${shown === 1 ? "scan" : "scans"}`
      : "No scan matches. Choose other days or fewer filters.";
    say(count.textContent);
  };
  tell();
  const underWay = h("section", { "aria-label": "Uploads under way", class: "under-way" });
  follow(underWay, signal);
  document.getElementById("main").addEventListener("command", ({ detail }) => move(body, detail), { signal });
  return [
    h("div", { class: "title" }, h("h1", {}, "Worklist"), count),
    underWay,
    filterForm(query),
    h("table", { class: "worklist" }, head(), body),
    more,
  ];
}

function filterForm(query) {
  const choice = (name, label, codes) =>
    h("label", {}, label, h("select", { name }, h("option", { value: "" }, "any"),
      codes.map((code) => h("option", { value: code, selected: query.get(name) === code }, words(code)))));
  const day = (name, label) =>
    h("label", {}, label, h("input", { type: "date", name, value: query.get(name) ?? today(), max: "9999-12-31" }));
  const form = h("form", { class: "filter", "aria-label": "Filters" },
    choice("finding", "Class", CLASSES), choice("outcome", "Outcome", OUTCOMES), choice("review", "Review", REVIEWS),
    h("label", {}, "Certainty from",
      h("input", { type: "number", name: "min_confidence", min: 0, max: 1, step: 0.05, inputmode: "decimal",
        placeholder: "0.00", value: query.get("min_confidence") ?? "" })),
    day("from", "Arrived from"), day("to", "to"));
  form.addEventListener("change", () => {
    if (!form.checkValidity()) return form.reportValidity();
    const given = [...new FormData(form)].filter(([, value]) => value !== "");
    go(`/?${new URLSearchParams(given)}`);
    return true;
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  return form;
}

const head = () =>
  h("thead", {}, h("tr", {}, ["Image", "Class", "Certainty", "Size", "Outcome", "Review", "Arrived (UTC)", "Series"]
    .map((name) => h("th", { scope: "col" }, name))));

function row(scan) {
  const cell = (label, ...children) =>
    h("td", { "data-label": label, class: children[0] === "–" ? "empty" : null }, ...children);
  const image = link(scan, "image");
  const name = scan.called ? words(scan.called) : words(scan.outcome);
  return h("tr", { class: scan.review_state === "needed" ? "attention" : "" },
    h("td", { class: "thumbnail" }, image
      ? h("img", { src: image, alt: "", loading: "lazy", width: 56, height: 56 })
      : h("span", { class: "no-image", "aria-hidden": "true" }, "–")),
    h("th", { scope: "row" },
      h("a", { href: `/?scan=${scan.scan_id}`, "data-route": true, class: "open" },
        h("span", { class: `dot ${scan.called ?? "none"}`, "aria-hidden": "true" }), name,
        h("span", { class: "short-id" }, scan.scan_id.slice(0, 8)))),
    cell("Certainty", percent(scan.called ? scan.probabilities?.[scan.called] : scan.confidence)),
    cell("Size", size(scan.tumor)),
    cell("Outcome", badge(scan.outcome), reasons(scan.reasons)),
    cell("Review", scan.review_state ? badge(scan.review_state, `review-${scan.review_state}`) : "–",
      reasons(scan.review ? [] : scan.review_reasons)),
    cell("Arrived", arrived(scan.received_at)),
    cell("Series", scan.series_id
      ? h("a", { href: `/?series=${scan.series_id}`, "data-route": true, "aria-label": `Series ${scan.series_id.slice(0, 8)}` },
          scan.series_id.slice(0, 8))
      : "–"));
}

const reasons = (codes) => (codes.length ? h("small", {}, codes.map(words).join(", ")) : null);

function move(body, event) {
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const links = [...body.querySelectorAll("a.open")];
  const place = links.indexOf(document.activeElement);
  const next = links[place < 0 ? (step > 0 ? 0 : links.length - 1) : place + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.closest("tr").scrollIntoView({ block: "nearest" });
}

async function follow(section, signal) {
  let busy = false;
  while (!signal.aborted) {
    try {
      const exports = await Promise.all(
        (await all("exports")).slice(0, 20).map((each) => ask(`exports/${each.export_id}`)));
      const open = exports.filter((each) => !each.done);
      section.replaceChildren(...open.map(progressOf));
      if (busy && !open.length && !signal.aborted) return go(location.pathname + location.search);
      busy = open.length > 0;
    } catch (error) {
      section.replaceChildren(trouble(error));
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS * (busy ? 1 : 4)));
  }
  return undefined;
}
