// Uploads of a day with their live progress.

import { getAllPages, getJson } from "./api.js";
import { navigate } from "./router.js";
import { timestamp, badge, h, today, labelOf } from "./dom.js";
import { addScans } from "./upload.js";

const POLL_MS = 1500;

export async function exportsView(query, signal) {
  const day = query.get("day") ?? today();
  const listed = await getAllPages("exports", { day });
  const items = new Map();
  for (const each of listed) items.set(each.export_id, h("div", {}, progressOf(each)));
  follow(items, signal);
  const picker = h("input", { type: "date", value: day, name: "day", max: "9999-12-31" });
  picker.addEventListener("change", () => picker.value && navigate(`/?exports&day=${picker.value}`));
  return [
    h("div", { class: "title" }, h("h1", {}, "Uploads"),
      h("p", { class: "muted" }, listed.length ? `${listed.length} on this day` : "Nothing was uploaded on this day.")),
    await addScans(),
    h("form", { class: "filter", "aria-label": "Filters" }, h("label", {}, "Arrived on", picker)),
    h("ul", { class: "exports" }, [...items].map(([id, progress]) => h("li", { class: "export" }, progress,
      h("a", { href: `/?export_id=${id}`, "data-route": true }, `Studies of upload ${id.slice(0, 8)}`)))),
  ];
}

export function progressOf(item) {
  const counts = item.counts ?? {};
  const waiting = counts.queued ?? 0;
  const counted = item.scans !== undefined; // a list of exports comes without its live counts
  const finished = item.scans - waiting;
  const name = `Upload ${item.export_id.slice(0, 8)}`;
  return h("div", { class: "progress" },
    h("div", { class: "progress-head" }, h("strong", {}, name), badge(item.done && item.state !== "failed" ? "done" : item.state, item.state),
      timestamp(item.received_at), item.kind ? h("span", { class: "muted" }, item.kind.toUpperCase()) : null),
    h("progress", { max: counted ? Math.max(1, item.scans) : null, value: counted ? finished : null,
      "aria-label": `${name}: scans with an outcome` }),
    h("p", { class: "muted" }, counted ? `${finished} of ${item.scans} scans have their outcome. ` : "Counting… ",
      Object.entries(counts).filter(([, n]) => n).map(([code, n]) => `${n} ${labelOf(code)}`).join(", "),
      item.skipped ? `; ${item.skipped} of ${item.files} files skipped` : "",
      item.needs_review ? `; ${item.needs_review} need review` : ""));
}

async function follow(items, signal) {
  let open = [...items.keys()];
  while (open.length && !signal.aborted) {
    const answers = await Promise.all(open.map((id) => getJson(`exports/${id}`)));
    for (const each of answers) items.get(each.export_id).replaceChildren(progressOf(each));
    open = answers.filter((each) => !each.done).map((each) => each.export_id);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
