// Which view the address asks for: shows it, moves to another, and brings a reader back to where a list was left.

import { h, announce, errorMessage } from "./dom.js";

const QUEUES = { needed: "queue", second: "second", disputed: "disputed" };
const main = document.getElementById("main");
let views = {};
let leave = new AbortController();
let lastList = sessionStorage.getItem("last list") ?? "/"; // a reload of what was opened from it leads back to it too
let shown = null; // the address of the list that is shown

// Show what the address asks for, now and whenever it changes; `list` is shown where it names none of the views.
export function startRouter(known) {
  views = known;
  history.scrollRestoration = "manual";
  window.addEventListener("popstate", () => show());
  window.addEventListener("pagehide", savePlace);
  show();
}

// Move to an address; `focus` names a field that should have the focus there. What is shown already is shown anew, and
// the reader stays where they are.
export function navigate(address, { focus } = {}) {
  savePlace();
  const stays = address === here();
  const place = stays ? presentPlace() : null;
  history[stays ? "replaceState" : "pushState"](null, "", address);
  show(true, focus, place);
}

export const here = () => location.pathname + location.search;

export const backToList = () => lastList;

// What a list keeps of itself, for whoever comes back to its address in this tab.
export const savedState = (address = here()) =>
  JSON.parse(sessionStorage.getItem(`list ${address}`) ?? "{}");

export function saveState(facts, address = shown) {
  if (address) sessionStorage.setItem(`list ${address}`, JSON.stringify({ ...savedState(address), ...facts }));
}

function savePlace() {
  if (!shown) return;
  saveState({ scroll: scrollY, focused: focusedOf("a.open") });
  main.dispatchEvent(new CustomEvent("leave"));
}

// Where the reader is in what is shown; a view adds its part by the event `stay`, and is given all of it when shown anew.
function presentPlace() {
  const place = { scroll: scrollY, focused: focusedOf("*") };
  main.dispatchEvent(new CustomEvent("stay", { detail: place }));
  return place;
}

const nameOf = (element) => element.getAttribute("href") || element.name || element.getAttribute("aria-label")
  || element.labels?.[0]?.textContent || element.textContent;

// What has the focus within the view, by tag and name: an element that is made anew has both.
function focusedOf(selector) {
  const focused = document.activeElement;
  return main !== focused && main.contains(focused) && focused.matches(selector) ? [focused.localName, nameOf(focused)] : null;
}

async function show(moved = false, focus = null, place = null) {
  if (!moved) savePlace();
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const query = new URLSearchParams(location.search);
  const name = Object.keys(views).find((each) => query.has(each)) ?? "list";
  const address = here();
  shown = null;
  if (name === "list") sessionStorage.setItem("last list", (lastList = address));
  const tab = (name === "list" && QUEUES[query.get("review")]) || name;
  for (const each of document.querySelectorAll("header nav a")) {
    if (each.dataset.view === tab) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  main.setAttribute("aria-busy", "true");
  try {
    const view = await views[name](query, signal, place);
    if (signal.aborted) return;
    main.replaceChildren(...view.filter(Boolean));
    if (name === "list") shown = address;
    announce("");
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(...errorView(error));
  } finally {
    main.removeAttribute("aria-busy");
  }
  if (signal.aborted) return;
  document.title = `${main.querySelector("h1").textContent} – brainscan`;
  restorePlace(moved, focus, place ?? (name === "list" ? savedState(address) : {}));
}

// Where a reader looks and stands in a view that has just been shown.
function restorePlace(moved, focus, before) {
  const field = focus && main.querySelector(`[name="${focus}"]`);
  const [tag, called] = before.focused ?? [];
  const again = tag && [...main.querySelectorAll(tag)].find((each) => nameOf(each) === called);
  if (field) field.focus();
  else if (again) again.focus({ preventScroll: true });
  else if (moved) main.focus({ preventScroll: true });
  scrollTo(0, before.scroll ?? 0);
}

function errorView(error) {
  const missing = error.status === 404;
  return [
    h("div", { class: "title" }, h("h1", {}, missing ? "There is no such thing" : "This could not be shown")),
    errorMessage(error),
    h("p", {}, missing
      ? "It may have expired, or the address is not whole. "
      : "The answer did not come. ",
      h("button", { type: "button", onclick: () => show() }, "Try again"), " ",
      h("a", { href: lastList, "data-route": true }, "Back to the worklist")),
  ];
}
