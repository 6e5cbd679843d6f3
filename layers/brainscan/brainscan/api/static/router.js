// Which view the address asks for: shows it, moves to another, and remembers the list that a reader came from.

import { say, trouble } from "./dom.js";

const main = document.getElementById("main");
let views = {};
let leave = new AbortController();
let lastList = "/";

// Show what the address asks for, now and whenever it changes; `list` is shown where it names none of the views.
export function start(known) {
  views = known;
  window.addEventListener("popstate", () => show());
  show();
}

export function go(address) {
  history.pushState(null, "", address);
  show(true);
}

export const backToList = () => lastList;

async function show(moved = false) {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const query = new URLSearchParams(location.search);
  const name = Object.keys(views).find((each) => query.has(each)) ?? "list";
  if (name === "list") lastList = location.pathname + location.search;
  for (const each of document.querySelectorAll("nav a"))
    each.toggleAttribute("aria-current", each.dataset.view === name);
  main.setAttribute("aria-busy", "true");
  try {
    const view = await views[name](query, signal);
    if (signal.aborted) return;
    main.replaceChildren(...view);
    document.title = `${main.querySelector("h1").textContent} – brainscan`;
    if (moved) main.focus();
    say("");
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(trouble(error));
  } finally {
    main.removeAttribute("aria-busy");
  }
}
