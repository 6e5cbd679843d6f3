// The page's frame: which view the address asks for, and the keys that work everywhere.

import { say, trouble } from "./dom.js";
import { exportsView } from "./exports.js";
import { listView } from "./list.js";
import { scanView } from "./scan.js";
import { seriesView } from "./series.js";
import { statisticsView } from "./statistics.js";

const VIEWS = { scan: scanView, series: seriesView, exports: exportsView, statistics: statisticsView };
const main = document.getElementById("main");
let leave = new AbortController();
let lastList = "/";

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
  const name = Object.keys(VIEWS).find((each) => query.has(each)) ?? "list";
  if (name === "list") lastList = location.pathname + location.search;
  for (const each of document.querySelectorAll("nav a"))
    each.toggleAttribute("aria-current", each.dataset.view === name);
  main.setAttribute("aria-busy", "true");
  try {
    const view = await (VIEWS[name] ?? listView)(query, signal);
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

document.addEventListener("click", (event) => {
  const anchor = event.target.closest("a[data-route]");
  if (!anchor || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(anchor.getAttribute("href"));
});

const help = document.getElementById("help");
document.getElementById("help-button").addEventListener("click", () => help.showModal());

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=range]),select,textarea"))
    return;
  if (event.key === "?") help.showModal();
  else if (event.key === "u") go(lastList);
  else if (event.key === "f") document.querySelector(".filter select, .filter input")?.focus();
  else main.dispatchEvent(new CustomEvent("command", { detail: event }));
});

window.addEventListener("popstate", () => show());
show();
