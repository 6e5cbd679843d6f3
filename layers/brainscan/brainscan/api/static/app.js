// The page's frame: its views, its links, and the keys that work everywhere.

import { agreementView } from "./agreement.js";
import { driftView } from "./drift.js";
import { exportsView } from "./exports.js";
import { listView } from "./list.js";
import { patientView } from "./patient.js";
import { backToList, navigate, startRouter } from "./router.js";
import { scanView } from "./scan.js";
import { seriesView } from "./series.js";
import { readersOfACase, signOut, signsIn } from "./signin.js";
import { undo } from "./review.js";
import { isSwitchedOff, switchedBy } from "./shortcuts.js";
import { statisticsView } from "./statistics.js";
import { studyView } from "./study.js";

const main = document.getElementById("main");
const help = document.getElementById("help");

document.addEventListener("click", (event) => {
  const anchor = event.target.closest("a[data-route]");
  if (!anchor || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  navigate(anchor.getAttribute("href"));
});

const leaving = document.getElementById("sign-out");
leaving.addEventListener("click", signOut);
readersOfACase().then((readers) => {
  for (const each of document.querySelectorAll("[data-two-readers]")) each.hidden = readers < 2;
});
signsIn().then((does) => (leaving.hidden = !does));

document.getElementById("help-button").addEventListener("click", () => help.showModal());
switchedBy(document.getElementById("single-keys"));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isSwitchedOff(event)) return;
  if (event.target.matches("input:not([type=range]),select,textarea")) return;
  main.dispatchEvent(new CustomEvent("command", { detail: event }));
  if (event.defaultPrevented) return;
  if (event.key === "?") help.showModal();
  else if (event.key === "u") navigate(backToList());
  else if (event.key === "z") undo();
  else if (event.key === "f") document.querySelector(".filter select, .filter input:not([type=hidden])")?.focus();
});

startRouter({ drift: driftView, agreement: agreementView, study: studyView, patient: patientView, scan: scanView, series: seriesView, exports: exportsView, statistics: statisticsView, list: listView });
