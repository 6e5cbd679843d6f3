// The worklist of studies, series or scans: filters, order and place live in the address, and a reader who comes back
// finds the list as it was left.

import { getJson } from "./api.js";
import { bulkReview } from "./bulk.js";
import { filterForm, filterOf, filtersOf } from "./filters.js";
import { nextPage } from "./order.js";
import { KINDS } from "./rows.js";
import { navigate, here, saveState, savedState } from "./router.js";
import { capitalized, h, plural, announce, errorMessage } from "./dom.js";
import { progressOf } from "./exports.js";

const HEADINGS = { needed: "Review queue", second: "Second reading", disputed: "Readers differ" };
const POLL_MS = 1500;
const MOST_UPLOADS = 20; // the latest of today

export async function listView(query, signal) {
  const kind = KINDS[query.get("list")] ? query.get("list") : "studies";
  const wanted = filterOf(kind, query);
  const form = filterForm(kind, query, signal);
  const body = h("tbody");
  const count = h("p", { class: "muted", id: "count" });
  const more = h("button", { type: "button", class: "quiet", hidden: true }, "Show more");
  const message = h("div");
  const list = rowsOf(kind, wanted, { body, count, more });
  more.addEventListener("click", () => {
    if (more.ariaDisabled) return; // a page at a time: another click would bring the same rows again
    list.next().catch((error) => message.replaceChildren(errorMessage(error)));
  });
  try {
    await list.next();
    await list.upTo(savedState().shown ?? 0);
  } catch (error) {
    message.replaceChildren(errorMessage(error)); // the filters stay: they may be what is wrong
  }
  const underWay = h("section", { "aria-label": "Uploads under way", class: "under-way" });
  follow(underWay, signal);
  document.getElementById("main").addEventListener("command", ({ detail }) => move(body, detail), { signal });
  document.getElementById("main").addEventListener("leave", () => saveState({ shown: body.children.length,
    order: list.items.map(KINDS[kind].address), kind, wanted, cursor: list.cursor() }), { signal });
  return [
    h("div", { class: "title" }, h("h1", {}, HEADINGS[query.get("review")] ?? "Worklist"), count),
    tabs(kind, query),
    underWay,
    form,
    message,
    bulkReview(kind, KINDS[kind].one, wanted, list.items),
    h("table", { class: `worklist ${kind}` }, head(kind), body),
    more,
  ];
}

function rowsOf(kind, wanted, { body, count, more }) {
  let cursor;
  const items = [];
  const next = async () => {
    more.ariaDisabled = "true";
    const page = await nextPage(kind, wanted, cursor).finally(() => (more.ariaDisabled = null));
    body.append(...page.items.map(KINDS[kind].row));
    items.push(...page.items);
    cursor = page.cursor;
    more.hidden = !cursor;
    more.textContent = items.length ? "Show more" : "Look further";
    count.textContent = countText(kind, items.length, cursor);
    announce(count.textContent);
    return page.items.length;
  };
  const upTo = async (shown) => {
    while (cursor && items.length < shown && (await next()));
  };
  return { next, upTo, items, cursor: () => cursor };
}

function countText(kind, count, goesOn) {
  const name = KINDS[kind].one;
  if (count) return `${plural(count, name, kind)}${goesOn ? " or more" : ""}`;
  return goesOn ? `No ${name} so far, and there are more to look at.` : `No ${name} matches. Choose other days or fewer filters.`;
}

function tabs(kind, query) {
  const address = (each) => {
    const days = ["from", "to"].filter((name) => query.get(name)).map((name) => [name, query.get(name)]);
    return `/?${new URLSearchParams([["list", each], ...filtersOf(each, query), ...days])}`;
  };
  return h("nav", { class: "kinds", "aria-label": "What to list" }, Object.keys(KINDS).map((each) =>
    h("a", { href: address(each), "data-route": true, "aria-current": each === kind ? "true" : null }, capitalized(each))));
}

const head = (kind) =>
  h("thead", {}, h("tr", {}, KINDS[kind].columns.map((name) => h("th", { scope: "col" }, name))));

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

const finished = new Map(); // uploads with nothing to wait for, and the state that they ended in

// Shows the latest uploads that are under way, and the list anew once the last of them ends.
async function follow(section, signal) {
  let busy = false;
  while (!signal.aborted) {
    try {
      const listed = (await getJson("exports", { limit: MOST_UPLOADS })).items;
      const asked = await Promise.all(listed.filter((each) => finished.get(each.export_id) !== each.state)
        .map((each) => getJson(`exports/${each.export_id}`)));
      for (const each of asked) if (each.done) finished.set(each.export_id, each.state);
      const open = asked.filter((each) => !each.done);
      section.replaceChildren(...open.map(progressOf));
      if (busy && !open.length && !signal.aborted) return navigate(here());
      busy = open.length > 0;
    } catch (error) {
      section.replaceChildren(errorMessage(error));
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS * (busy ? 1 : 4)));
  }
  return undefined;
}
