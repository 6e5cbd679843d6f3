// One verdict on all that a filter lists: counted and asked for first, given page by page, to be stopped and taken back.

import { getJson, postJson } from "./api.js";
import { CLASSES } from "./classes.js";
import { h, plural, announce, errorMessage, labelOf } from "./dom.js";
import { recordDecision } from "./review.js";
import { navigate, here } from "./router.js";

const PAGE = 50;
const MOST = 500; // of one go; who has more begins anew
const IDS = { studies: "study_id", series: "series_id", scans: "scan_id" };

const isOpen = (item) => [null, undefined, "needed", "second"].includes(item.review_state)
  && ["analyzed", "abstained"].includes(item.outcome) && !(item.review_state === "second" && !item.blinded);
const isEligible = (item, verdict) => isOpen(item) && (verdict !== "confirmed" || item.predicted);

// The control over a list of a kind: `wanted` is what the list asks for, `shown` what it shows so far.
export function bulkReview(kind, one, wanted, shown) {
  if (!shown.some((item) => isEligible(item, "confirmed") && item.review_state)) return null;
  const verdict = h("select", { "aria-label": "Verdict on all" },
    h("option", { value: "confirmed" }, "as the network calls them"),
    CLASSES.map((code) => h("option", { value: code }, `as ${labelOf(code)}`)), h("option", { value: "rejected" }, "as of no use"));
  const button = h("button", { type: "button", class: "quiet" }, "Confirm all of this filter");
  const status = h("p", { role: "status" });
  const stop = h("button", { type: "button", hidden: true }, "Stop");
  const dialog = h("dialog", { "aria-labelledby": "bulk-title" });
  let stopped = false;
  verdict.addEventListener("change", () => (button.textContent = verdict.value === "confirmed" ? "Confirm all of this filter" : "Judge all of this filter"));
  stop.addEventListener("click", () => (stopped = true));
  button.addEventListener("click", async () => {
    button.disabled = true;
    status.textContent = "Counting…";
    try {
      const { items, more } = await eligibleItems(kind, wanted, verdict.value);
      status.textContent = "";
      if (await confirmed(dialog, confirmationText(items.length, more, kind, one, verdict.value), verdict.value === "confirmed" ? "Confirm all" : "Judge all")) await postReviews(items);
    } catch (error) {
      status.replaceChildren(errorMessage(error));
    }
    button.disabled = false;
  });
  const postReviews = async (items) => {
    const address = here();
    const done = [];
    let refused = 0;
    stopped = false;
    stop.hidden = false;
    for (let start = 0; start < items.length && !stopped; start += PAGE) {
      for (const item of items.slice(start, start + PAGE)) {
        const path = `${kind}/${item[IDS[kind]]}`;
        await postJson(`${path}/reviews`, { ...reviewOf(verdict.value, item), revision: item.revision })
          .then((after) => done.push({ path, revision: after.revision }), () => (refused += 1));
      }
      status.textContent = `${done.length} of ${items.length} judged`;
      announce(status.textContent);
    }
    if (here() !== address) return; // who left takes nothing back from elsewhere
    navigate(address);
    recordDecision(done, `${done.length} judged together${refused ? `, ${refused} left as they have changed` : ""}.`, address);
  };
  return h("div", { class: "bulk" }, button, verdict, stop, status, dialog);
}

// What the filter lists and nobody has judged yet, at most so many; whether there is more.
async function eligibleItems(kind, wanted, verdict) {
  const items = [];
  let cursor;
  do {
    const page = await getJson(kind, { ...wanted, limit: 200, cursor });
    items.push(...page.items.filter((item) => isEligible(item, verdict)));
    cursor = page.cursor;
  } while (cursor && items.length < MOST);
  return { items: items.slice(0, MOST), more: Boolean(cursor) || items.length > MOST };
}

function confirmationText(count, more, kind, one, verdict) {
  const how = verdict === "confirmed" ? "as the network calls them" : verdict === "rejected" ? "as of no use" : `as ${labelOf(verdict)}`;
  return [
    h("h2", { id: "bulk-title" }, `${plural(count, one, kind)} of this filter`),
    h("p", {}, `${plural(count, one, kind)} that nobody has judged will be judged under your name, ${how}, ${PAGE} at a time.`,
      more ? ` There are more; begin anew for those.` : ""),
    h("p", {}, "You can stop after each page, and take all of it back with z."),
  ];
}

function confirmed(dialog, content, yes) {
  dialog.replaceChildren(...content, h("form", { method: "dialog", class: "verdicts" },
    h("button", { value: "yes", class: "primary" }, yes), h("button", { value: "no" }, "Leave them")));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

const reviewOf = (verdict, item) => {
  if (["confirmed", "rejected"].includes(verdict)) return { verdict };
  return verdict === item.predicted ? { verdict: "confirmed" } : { verdict: "corrected", corrected: verdict };
};
