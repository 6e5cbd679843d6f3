// Scans from this machine onto the stack: a field to drop them on, their progress, and what became of each file. What is
// under way stays so while the reader looks at other views.

import { getAllPages, getJson } from "./api.js";
import { selectedFiles, droppedFiles, uploadObjects, splitReadable } from "./files.js";
import { h, plural, reasonWords, announce } from "./dom.js";
import { abortUpload, sentBytes, transfer } from "./multipart.js";
import { takesFiles } from "./signin.js";

const POLL_MS = 1500;
const REPORTS_MS = 300_000; // studies follow their scans within seconds, or there are none
const RATE_OVER_MS = 10_000;
const shown = h("ul", { class: "exports", "aria-label": "From this page" }); // one for all: it outlives the view
let underWay = 0;

addEventListener("beforeunload", (event) => underWay && event.preventDefault());

export async function addScans() {
  if (!(await takesFiles()))
    return h("p", { class: "muted" }, "This page takes no files; ", h("code", {}, "brainscan upload"), " sends them.");
  const { sites } = await getJson("sites");
  const site = h("select", { name: "site" }, ["", ...sites].map((each) => h("option", { value: each }, each || "none")));
  const files = h("input", { type: "file", multiple: true, hidden: true, "aria-label": "Files" });
  const folder = h("input", { type: "file", webkitdirectory: true, hidden: true, "aria-label": "Folder" });
  for (const input of [files, folder])
    input.addEventListener("change", () => {
      uploadFiles(selectedFiles(input), site.value);
      input.value = "";
    });
  const field = h("section", { class: "panel drop", "aria-label": "Add scans" },
    h("p", {}, "Drop files or a folder here, or choose ",
      h("button", { type: "button", onclick: () => files.click() }, "Files…"), " ",
      h("button", { type: "button", onclick: () => folder.click() }, "A folder…"), files, folder),
    sites.length ? h("label", {}, "Site ", site) : null,
    h("p", { class: "warning" }, h("strong", {}, "They are sent as they are: "),
      "nothing is de-identified in the browser, so names of patients in them reach the uploads bucket. ",
      h("code", {}, "brainscan upload --deidentify"), " sends copies without them."));
  field.addEventListener("dragover", (event) => {
    event.preventDefault();
    field.classList.add("over");
  });
  field.addEventListener("dragleave", () => field.classList.remove("over"));
  field.addEventListener("drop", async (event) => {
    event.preventDefault();
    field.classList.remove("over");
    uploadFiles(await droppedFiles(event.dataTransfer), site.value);
  });
  return h("div", {}, field, shown);
}

// From the choice to the last outcome.
async function uploadFiles(chosen, site) {
  if (!chosen.length) return;
  const drop = { chosen, stop: new AbortController(), samples: [], lines: [], analyzed: 0, status: "Reading…" };
  drop.row = h("li", { class: "progress" });
  shown.prepend(drop.row);
  renderProgress(drop);
  underWay += 1;
  try {
    const { sent, left } = await splitReadable(chosen);
    drop.lines = left.map(({ path, why }) => `not sent: ${path}: ${why}`);
    drop.objects = uploadObjects(sent).map((object) => ({ ...object, site }));
    drop.bytes = drop.objects.reduce((sum, each) => sum + each.blob.size, 0);
    await Promise.all(drop.objects.map((object) => uploadObject(drop, object)));
    drop.status = `${plural(drop.analyzed, "file")} analyzed, ${drop.lines.length} not.`;
  } catch (error) {
    drop.status = `What became of them cannot be told: ${error.message}`;
  } finally {
    drop.done = true;
    announce(drop.status);
    underWay -= 1;
    renderProgress(drop);
  }
}

async function uploadObject(drop, object) {
  const { signal } = drop.stop;
  while (!object.completed) {
    try {
      await transfer(object, () => showRate(drop), signal);
    } catch (error) {
      if (signal.aborted || error.final || error.name === "NotReadableError") {
        await abortUpload(object);
        object.failed = true;
        for (const { path } of object.files) drop.lines.push(`not sent: ${path}: ${refusal(error, signal)}`);
        return;
      }
      await waitToResume(drop, error);
    }
  }
  await collectOutcomes(drop, object);
}

function refusal(error, signal) {
  if (signal.aborted) return "given up";
  if (error.status === 403) return "you may not upload here: the right brainscan/upload is missing";
  if (error.name === "NotReadableError") return "a file was changed or taken away meanwhile: choose it again";
  return error.message;
}

// Waits until the reader, or the network that is back, says so.
function waitToResume(drop, error) {
  drop.waiting ??= new Promise((resolve) => {
    const again = () => {
      removeEventListener("online", again);
      Object.assign(drop, { waiting: null, again: null });
      resolve();
    };
    addEventListener("online", again);
    drop.again = again;
    drop.status = `Cut off: ${error.message} What has arrived is kept.`;
    announce(drop.status);
    renderProgress(drop);
  });
  return drop.waiting;
}

async function collectOutcomes(drop, object) {
  const found = await awaitExport(drop, object);
  const listed = await retryUntilAnswered(() => getAllPages(`exports/${found.export_id}/files`));
  awaitStudies(drop, object);
  const analyzed = listed.filter((each) => each.outcome === "analyzed");
  drop.analyzed += object.bundled ? new Set(analyzed.map((each) => each.index)).size : analyzed.length;
  for (const each of listed)
    if (each.outcome !== "analyzed") drop.lines.push(`${each.outcome}: ${filePath(object, each)}: ${reasonWords(each.reasons)}`);
}

// A study is there once its series are reported, after the last of its scans; loose images have none.
async function awaitStudies(drop, object) {
  const from = object.export.received_at.slice(0, 10);
  for (const begun = Date.now(); Date.now() - begun < REPORTS_MS && !object.studies; await pause()) {
    const { items } = await retryUntilAnswered(() => getJson("studies", { export_id: object.export.export_id, from, limit: 1 }));
    object.studies = items.length > 0;
  }
  renderProgress(drop);
}

async function awaitExport(drop, object) {
  for (;;) {
    const { export: found } = await retryUntilAnswered(() =>
      getJson(`uploads/${object.upload.token}`, { since: object.completed }));
    object.export = found;
    drop.status = analysisStatus(drop);
    renderProgress(drop);
    if (found?.done) return found;
    await pause();
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS));

// Asking what became of files changes nothing, so it is asked until there is an answer.
async function retryUntilAnswered(call) {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (error.status >= 400 && error.status < 500) throw error;
      await pause();
    }
  }
}

function filePath(object, { index, inner }) {
  if (object.bundled) return (object.files[index]?.path ?? "a file") + (inner == null ? "" : `, file ${inner + 1}`);
  return object.files[0].path + [index, inner].filter((each) => each != null).map((each) => `, file ${each + 1}`).join("");
}

function analysisStatus({ objects }) {
  const known = objects.map((each) => each.export).filter(Boolean);
  const scans = known.reduce((sum, each) => sum + Math.max(each.expected, each.scans), 0);
  const finished = known.reduce((sum, each) => sum + each.scans - (each.counts.queued ?? 0), 0);
  return scans ? `${finished} of ${scans} scans have their outcome.` : "Sent; waiting for intake.";
}

function showRate(drop) {
  const now = performance.now();
  const sent = drop.objects.reduce((sum, each) => sum + sentBytes(each), 0);
  drop.samples = [...drop.samples.filter(([then]) => now - then < RATE_OVER_MS), [now, sent]];
  const [then, before] = drop.samples[0];
  const rate = now > then ? Math.max(0, (sent - before) / ((now - then) / 1000)) : 0; // bytes a second
  const left = rate ? `, ${megabytes(rate)}/s, ${Math.ceil((drop.bytes - sent) / rate)} s left` : "";
  drop.sent = sent;
  drop.status = `${megabytes(sent)} of ${megabytes(drop.bytes)} sent${left}.`;
  renderProgress(drop);
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

function renderProgress(drop) {
  const name = plural(drop.chosen.length, "file");
  const uploads = (drop.objects ?? []).filter((each) => each.studies);
  const links = uploads.flatMap((each) => [h("a", { href: `/?export_id=${each.export.export_id}`, "data-route": true },
    `Studies of upload ${each.export.export_id.slice(0, 8)}`), " "]);
  drop.row.replaceChildren(
    h("div", { class: "progress-head" }, h("strong", {}, `${name} from this machine`),
      drop.again ? h("button", { type: "button", class: "primary", onclick: drop.again }, "Go on") : null,
      drop.done || !drop.objects || drop.objects.every((each) => each.completed)
        ? null : h("button", { type: "button", onclick: () => cancel(drop) }, "Give up")),
    h("progress", { max: drop.bytes || 1, value: drop.done ? drop.bytes || 1 : (drop.sent ?? 0), "aria-label": `${name}: bytes sent` }),
    h("p", {}, drop.status, " ", links),
    drop.lines.length ? h("ul", { class: "not-analyzed", "aria-label": "Not analyzed" }, drop.lines.map((line) => h("li", {}, line))) : "");
}

function cancel(drop) {
  drop.stop.abort();
  drop.again?.();
}
