// The filters of a list: a form whose state is the address, with the number of answers beside each choice.

import { getJson } from "./api.js";
import { navigate } from "./router.js";
import { CLASSES } from "./classes.js";
import { OUTCOMES, REVIEWS, daysAgo, h, today, labelOf } from "./dom.js";

const DAYS = 30; // shown where no first day is asked for
const EVER = "2000-01-01"; // of one upload all is shown, whenever it arrived
const FILTERS = ["finding", "review", "model_id", "export_id", "reader", "sort"];
const OF_SCANS = ["outcome", "min_confidence"];
const SORTS = [["", "latest first"], ["probability", "likely tumors first"], ["volume", "large volumes first"],
  ["review", "to review first"]];
const SORTS_OF_SCANS = SORTS.filter(([name]) => name !== "volume"); // a scan has none

const sortsOf = (kind) => (kind === "scans" ? SORTS_OF_SCANS : SORTS);

// What an address narrows and orders a list by, beside its days, as far as lists of this kind know it.
export function filtersOf(kind, query) {
  const known = kind === "scans" ? [...FILTERS, ...OF_SCANS] : FILTERS;
  return known.filter((name) => query.get(name)).map((name) => [name, query.get(name)])
    .filter(([name, value]) => name !== "sort" || sortsOf(kind).some(([sort]) => sort === value));
}

// What a list asks the API, by the address.
export function filterOf(kind, query) {
  const given = filtersOf(kind, query);
  const to = query.get("to") || today();
  const filters = Object.fromEntries(given);
  return { ...filters, from: query.get("from") || (filters.export_id ? EVER : first(to)), to };
}

function first(to) {
  const usual = daysAgo(DAYS - 1);
  return usual < to ? usual : to;
}

export function filterForm(kind, query, signal) {
  const wanted = filterOf(kind, query);
  const form = h("form", { class: "filter", "aria-label": "Filters" },
    h("input", { type: "hidden", name: "list", value: kind }),
    ...choices(kind, query),
    day("from", "Arrived from", wanted.from), day("to", "to", wanted.to));
  form.addEventListener("change", ({ target }) => {
    if (!form.checkValidity()) return form.reportValidity();
    const given = [...new FormData(form)].filter(([, value]) => value !== "");
    navigate(`/?${new URLSearchParams(given)}`, { focus: target.name });
    return true;
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  count(kind, wanted, form, signal);
  return form;
}

const day = (name, label, value) =>
  h("label", {}, label, h("input", { type: "date", name, value, max: "9999-12-31", required: true }));

function choice(name, label, options, chosen) {
  return h("label", {}, label, h("select", { name }, options.map(([value, text]) =>
    h("option", { value, selected: (chosen ?? "") === value }, text))));
}

const any = (codes) => [["", "any"], ...codes.map((code) => [code, labelOf(code)])];

const known = (name, query) => [["", "any"], ...(query.get(name) ? [[query.get(name), short(query.get(name))]] : [])];

function choices(kind, query) {
  const upload = query.get("export_id");
  const ofScans = kind === "scans";
  return [
    choice("finding", "Class", any(CLASSES), query.get("finding")),
    ofScans ? choice("outcome", "Outcome", any(OUTCOMES), query.get("outcome")) : null,
    choice("review", "Review", any(REVIEWS), query.get("review")),
    choice("reader", "Reader", known("reader", query), query.get("reader")),
    choice("model_id", "Model", known("model_id", query), query.get("model_id")),
    upload ? choice("export_id", "Upload", known("export_id", query), upload) : null,
    ofScans ? h("label", {}, "Confidence from", h("input", { type: "number", name: "min_confidence", min: 0, max: 1, step: 0.05,
      inputmode: "decimal", placeholder: "0.00", value: query.get("min_confidence") ?? "" })) : null,
    choice("sort", "Order", sortsOf(kind), query.get("sort")),
  ].filter(Boolean);
}

const short = (value) => (/^[0-9a-f]{32,}$/.test(value) ? value.slice(0, 8) : value);

// Fills in how many answers each choice has, and the choices that only the answers know.
async function count(kind, wanted, form, signal) {
  const { sort: _sort, ...filters } = wanted;
  let counts;
  try {
    counts = await getJson(`${kind}/counts`, filters);
  } catch {
    return; // the list itself says what is wrong
  }
  if (signal.aborted) return;
  const label = (select, of, text) => {
    for (const [value, n] of Object.entries(of))
      if (![...select.options].some((option) => option.value === value) && value !== "none")
        select.append(h("option", { value }, short(value)));
    for (const option of select.options)
      if (option.value) option.textContent = `${text(option.value)} (${of[option.value] ?? 0}${counts.complete ? "" : "+"})`;
  };
  label(form.elements.finding, counts.findings, labelOf);
  if (counts.outcomes) label(form.elements.outcome, counts.outcomes, labelOf);
  label(form.elements.review, counts.reviews, labelOf);
  label(form.elements.reader, counts.readers, short);
  label(form.elements.model_id, counts.models, short);
  form.dataset.counted = counts.total;
}
