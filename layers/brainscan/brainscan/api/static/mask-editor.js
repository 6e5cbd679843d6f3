// Drawing masks: the tool with its keys, what is drawn and not saved, and saving it as the reader's verdict on a scan.

import { getJson } from "./api.js";
import { brush } from "./brush.js";
import { NO_TUMOR, TUMORS } from "./classes.js";
import { h, linkUrl, plural, announce, errorMessage, labelOf } from "./dom.js";
import { encodeMask, readMask } from "./png.js";
import { recordDecision } from "./review.js";

const drafts = new Map(); // by scan: pixels, former states, class, the scan, when it was opened; kept from view to view
const SIZES = { min: 1, max: 40, value: 6 }; // radius in pixels of the scan

addEventListener("beforeunload", (event) => {
  if (unsaved().length) event.preventDefault();
});

const unsaved = () => [...drafts.values()].filter((each) => each.drawn);
const drawable = (scan) => ["analyzed", "abstained"].includes(scan.outcome) && !scan.superseded && scan.rows;

// The tool over a picture. `usual` is the class of a tumor that nobody named yet; `saved` is told each scan that was
// saved, as it is now, and then nothing.
export function maskEditor(shown, { usual, saved }) {
  let scan = null;
  let draft = null;
  const toggle = h("button", { type: "button", "aria-pressed": "false" }, "Draw mask");
  const erase = h("button", { type: "button", "aria-pressed": "false" }, "Erase");
  const back = h("button", { type: "button" }, "Undo stroke");
  const clear = h("button", { type: "button" }, "Clear");
  const save = h("button", { type: "button", class: "primary" }, "Save");
  const size = h("input", { type: "range", ...SIZES });
  const called = h("select", { "aria-label": "Class of what is drawn" }, TUMORS.map((code) => h("option", { value: code }, labelOf(code))));
  const status = h("p", { role: "status" });
  const tools = h("div", { class: "tools", hidden: true }, erase, h("label", { class: "slider" }, "Brush", size), called, back, clear, save);
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  const press = (button, is) => button.setAttribute("aria-pressed", String(is));

  const showState = () => {
    const count = unsaved().length;
    back.disabled = !draft?.before.length;
    save.disabled = !count;
    save.textContent = count > 1 ? `Save ${count} slices` : "Save";
    called.disabled = !draft?.pixels.some(Boolean);
    status.textContent = count ? `${plural(count, "mask")} drawn, not saved yet${called.disabled && draft?.drawn ? "; this one is empty: no tumor" : ""}` : "";
  };
  const paints = brush(shown.frame, shown.stage, () => {
    draft.drawn = true;
    showState();
  });
  paints.size(SIZES.value);

  const open = async () => {
    const wanted = scan;
    const on = pressed(toggle) && drawable(wanted);
    if (draft && !draft.drawn) drafts.delete(draft.scan.scan_id);
    draft = null;
    paints.on(null);
    shown.drawing(Boolean(on));
    if (!on) return showState();
    try {
      if (!drafts.has(wanted.scan_id)) drafts.set(wanted.scan_id, await newDraft(wanted, usual));
    } catch (error) {
      return status.replaceChildren(errorMessage(error));
    }
    if (scan !== wanted || !pressed(toggle)) return undefined;
    draft = Object.assign(drafts.get(wanted.scan_id), { scan: wanted });
    called.value = draft.called;
    paints.on(draft, wanted.rows, wanted.columns);
    return showState();
  };
  const flip = () => {
    press(toggle, !pressed(toggle));
    tools.hidden = !pressed(toggle);
    if (pressed(toggle)) {
      shown.frame.focus({ preventScroll: true });
      announce("Drawing. The arrow keys move the brush, the space bar paints.");
    }
    return open();
  };
  const turn = () => {
    press(erase, !pressed(erase));
    paints.erase(pressed(erase));
    announce(pressed(erase) ? "Erasing." : "Drawing.");
  };
  const resize = (by) => {
    size.value = Number(size.value) + by;
    paints.size(Number(size.value));
  };
  const saveDrawn = async () => {
    if (!unsaved().length) return;
    save.disabled = true;
    try {
      const done = await saveDraft(unsaved(), saved);
      recordDecision(done, `${plural(done.length, "mask")} saved as yours.`);
      saved(null);
    } catch (error) {
      status.replaceChildren(errorMessage(error));
      save.disabled = false;
    }
  };
  toggle.addEventListener("click", flip);
  erase.addEventListener("click", turn);
  back.addEventListener("click", () => paints.undo());
  clear.addEventListener("click", () => paints.clear());
  save.addEventListener("click", saveDrawn);
  size.addEventListener("input", () => paints.size(Number(size.value)));
  called.addEventListener("change", () => Object.assign(draft, { called: called.value, drawn: true }));

  return {
    controls: h("div", { class: "drawing-controls", role: "group", "aria-label": "Drawing" }, toggle, tools, status),
    // Follow the reader to another scan, the tool in hand.
    show(other) {
      scan = other;
      toggle.disabled = !drawable(other);
      return open();
    },
    command(event) {
      if (event.key === "d" && !toggle.disabled) return flip(), true;
      if (!pressed(toggle)) return false;
      if (event.key === "z") return paints.undo();
      const wipe = () => draft && paints.clear();
      const act = { e: turn, "[": () => resize(-1), "]": () => resize(1), s: saveDrawn, Backspace: wipe, Delete: wipe }[event.key];
      act?.();
      return Boolean(act);
    },
  };
}

// A draft begins as the mask that stands: the reader's if there is one, else the network's.
async function newDraft(scan, usual) {
  const pixels = await readMask(linkUrl(scan, "reader_mask") ?? linkUrl(scan, "mask"), scan.rows, scan.columns);
  const likeliest = TUMORS.reduce((one, other) => ((scan.probabilities?.[other] ?? 0) > (scan.probabilities?.[one] ?? 0) ? other : one));
  const called = [scan.finding, usual].find((each) => TUMORS.includes(each)) ?? likeliest;
  return { scan, pixels, called, before: [], drawn: false, opened: Date.now() };
}

// Sends drafts one by one; each that is taken is no draft any more, the first that is refused ends it.
async function saveDraft(waiting, saved) {
  const done = [];
  for (const each of waiting) {
    const { scan, pixels } = each;
    const after = await getJson(`scans/${scan.scan_id}/mask`, {
      revision: scan.revision, class: pixels.some(Boolean) ? each.called : NO_TUMOR,
      seconds: Math.min(86400, Math.round((Date.now() - each.opened) / 1000)),
    }, { method: "PUT", headers: { "Content-Type": "image/png" }, body: await encodeMask(pixels, scan.rows, scan.columns) });
    drafts.delete(scan.scan_id);
    done.push({ path: `scans/${scan.scan_id}`, revision: after.revision });
    saved(after);
  }
  return done;
}
