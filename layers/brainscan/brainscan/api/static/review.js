// A reader's verdict on a study, a series or a scan: by button or key, then on to the next of the list; it can be undone.

import { getJson, postJson } from "./api.js";
import { CLASSES } from "./classes.js";
import { timestamp, capitalized, h, panel, announce, errorMessage, labelOf } from "./dom.js";
import { nextInList } from "./order.js";
import { navigate, here } from "./router.js";

const NEXT = "open next after a decision";
const MOST_CHARACTERS = 500;
const opensNext = () => localStorage.getItem(NEXT) !== "no";

let last = null; // the latest decision of this page: { verdicts: [{ path, revision }], address }

// The review of an item at an API path such as `studies/ID`; its history is what readers said so far.
export function reviewPanel(path, item, history, signal) {
  const message = h("div");
  const opened = Date.now();
  const comment = h("textarea", { rows: 2, maxlength: MOST_CHARACTERS, "aria-describedby": "comment-warning" });
  const decide = async (verdict, corrected) => {
    try {
      const after = await postJson(`${path}/reviews`, { verdict, revision: item.revision,
        ...(comment.value.trim() ? { comment: comment.value } : {}),
        seconds: Math.min(86400, Math.round((Date.now() - opened) / 1000)), ...(corrected ? { corrected } : {}) });
      const address = here();
      const following = opensNext() ? await nextInList(address).catch(() => null) : null; // the verdict stands all the same
      navigate(following ?? address);
      recordDecision([{ path, revision: after.revision }], `Recorded: ${labelOf(after.review.verdict)}${corrected ? ` to ${labelOf(corrected)}` : ""}.`, address);
    } catch (error) {
      const again = h("button", { type: "button", onclick: () => navigate(here()) }, "Read it again");
      message.replaceChildren(errorMessage(error), error.status === 409 ? again : "");
    }
  };
  const choices = CLASSES.filter((code) => code !== item.predicted);
  listen(item, decide, signal);
  const choice = h("select", { "aria-label": "Corrected class" }, choices.map((code) => h("option", { value: code }, labelOf(code))));
  const next = h("input", { type: "checkbox", checked: opensNext() });
  next.addEventListener("change", () => localStorage.setItem(NEXT, next.checked ? "yes" : "no"));
  return panel("Review", twoReaderNote(item),
    h("div", { class: "verdicts" },
      item.predicted ? h("button", { type: "button", class: "primary", onclick: () => decide("confirmed") }, `Confirm ${labelOf(item.predicted)}`) : null,
      h("button", { type: "button", class: "danger", onclick: () => decide("rejected") }, "Reject"),
      h("span", { class: "correct" }, choice,
        h("button", { type: "button", onclick: () => decide("corrected", choice.value) }, "Correct"))),
    h("label", { class: "comment" }, "Comment, given with the decision", comment),
    h("p", { class: "muted", id: "comment-warning" }, h("strong", {}, "No patient data: "),
      "no names, dates, numbers or addresses that could tell who the patient is."),
    h("label", { class: "goes-on" }, next, "Open the next one after a decision"),
    message, reviewHistory(history));
}

// `c` confirms, `x` rejects, the number of a class corrects to it.
function listen(item, decide, signal) {
  document.getElementById("main").addEventListener("command", ({ detail }) => {
    const corrected = CLASSES[Number(detail.key) - 1];
    if (detail.key === "c" && item.predicted) decide("confirmed");
    else if (detail.key === "x") decide("rejected");
    else if (corrected && corrected === item.predicted) decide("confirmed");
    else if (corrected) decide("corrected", corrected);
    else return;
    detail.preventDefault();
  }, { signal });
}

// What a reader should know where two read each case.
function twoReaderNote(item) {
  if (item.blinded) return h("p", { class: "attention-text" }, "Another reader has judged this. You see their verdict once you gave yours.");
  if (item.review_state === "second") return h("p", {}, "You have judged this. A second reader is to do so without seeing it.");
  if (item.review_state !== "disputed") return null;
  const verdicts = [...item.others, item.review].filter((each) => each && each.verdict !== "withdrawn");
  return h("div", { class: "attention-text" }, h("p", {}, "Readers differ; an adjudicator decides, or one of them agrees:"),
    h("ul", {}, verdicts.map((each) => h("li", {}, `${each.reader}: ${labelOf(each.verdict === "confirmed" ? item.predicted : each.corrected ?? "rejected")}`))));
}

function reviewHistory(history) {
  if (!history.length) return null;
  return h("ol", { class: "history" }, history.map((each) =>
    h("li", {}, h("strong", {}, each.adjudicates ? "decided: " : "", labelOf(each.verdict)), each.corrected ? ` to ${labelOf(each.corrected)}` : "",
      ` by ${each.reader}, `, timestamp(each.reviewed_at),
      each.seconds != null ? ` after ${each.seconds} s` : "",
      each.mask ? [", with ", h("a", { href: each.mask.url, download: true }, "a drawn mask"),
        each.dice != null ? `, Dice ${each.dice.toFixed(2)} with the network's` : ""] : "",
      each.comment ? h("q", { class: "said" }, each.comment) : "")));
}

// What was just decided, and can be taken back: verdicts at API paths, with the revisions that they made.
export function recordDecision(verdicts, text, address = here()) {
  last = { verdicts, address };
  announce(text);
  const bar = document.getElementById("undo");
  bar.replaceChildren(text, " ", h("button", { type: "button", onclick: undo }, "Undo ", h("kbd", {}, "z")));
  bar.hidden = false;
}

// Takes the latest decision back: the history keeps both, and what was decided is shown again.
export async function undo() {
  if (!last) return;
  const { verdicts, address } = last;
  const bar = document.getElementById("undo");
  let changed = 0;
  try {
    while (verdicts.length) {
      const { path, revision } = verdicts.at(-1);
      await postJson(`${path}/reviews`, { verdict: "withdrawn", revision }).catch((error) => {
        if (error.status !== 409 || verdicts.length + changed < 2) throw error;
        changed += 1; // somebody has judged it since; the others are taken back none the less
      });
      verdicts.pop();
      if (verdicts.length) bar.textContent = `Taking back, ${verdicts.length} to go`;
    }
    last = null;
    bar.hidden = true;
    navigate(address);
    announce(changed ? `Taken back, but for ${changed} that others have judged since.` : "Taken back.");
  } catch (error) {
    bar.replaceChildren(errorMessage(error));
  }
}

export const reviewsOf = async (path) => (await getJson(`${path}/reviews`)).items;

export const heading = (item) => capitalized(item.finding ? labelOf(item.finding) : labelOf(item.outcome));
