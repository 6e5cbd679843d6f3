// The DICOM viewer: niivue over the uploaded slices themselves, read in the browser by dcm2niix, under their SEG.

import { getAllPages, getJson } from "./api.js";
import { h, linkUrl, announce, errorMessage } from "./dom.js";
import { maskControls } from "./picture.js";
import { isSwitchedOff } from "./shortcuts.js";
import { viewing } from "./viewing.js";
import { maskOf, readersMaskOf, volumeOf } from "./volumes.js";

const FULL_RANGE_PX = 500; // dragged so far, the window changes by the range of the image
const SLICES = 3; // the file's axis of slices, counted from 1 as niivue does

export const isSource = (slice) => slice.kind === "dicom" && linkUrl(slice, "source");

export async function openViewer(id, signal) {
  const message = h("p", { class: "muted", role: "status" }, "Loading the slices…");
  const canvas = h("canvas", { tabindex: 0, "aria-label": "Slices: scroll or j and k to go through them, pinch or plus and minus to zoom" });
  const panel = h("div", { class: "dicom-controls" });
  const dialog = h("dialog", { class: "dicom", "aria-label": "DICOM viewer" },
    h("p", { class: "banner", role: "note" }, h("strong", {}, "Research use only."), " Not a medical device."),
    h("div", { class: "dicom-head" }, message, h("form", { method: "dialog" }, h("button", {}, "Close"))),
    panel, canvas);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  signal.addEventListener("abort", () => dialog.close());
  dialog.showModal();
  try {
    // Asked anew: links of a page that was opened minutes ago have ended.
    const [series, slices] = await Promise.all([getJson(`series/${id}`), getAllPages(`series/${id}/scans`)]);
    const { viewer, mask, readers } = await show(canvas, series, slices);
    canvas.viewer = viewer; // for the console, and for tests
    const browse = slider(viewer, mask?.largest());
    const look = mask && maskControls((how) => [mask, readers].forEach((each) => each?.look(how)));
    look?.apply();
    const drawn = () => windowOf(viewer, message, mask ? (readers ? "Outlined in blue: what readers drew. " : "") : "There is no mask to show over this series. ");
    const view = viewing(viewer, { acquired: planeOf(viewer), slices: browse.count, even: isEven(series), changed: drawn });
    panel.replaceChildren(browse.control, ...(look ? [look.controls] : []), view.controls);
    listen(dialog, browse.step, look, view.keys);
    for (const moved of ["pointermove", "pointerup", "touchmove"]) canvas.addEventListener(moved, drawn);
    drawn();
    canvas.dataset.ready = "true";
    canvas.focus();
    announce("The DICOM viewer is ready.");
  } catch (error) {
    message.replaceWith(errorMessage(error));
  }
}

async function show(canvas, series, slices) {
  const [{ Niivue, NVImage }, { Dcm2niix }] = await Promise.all([
    import("/static/niivue.js"), import("/static/index.jpeg.js")]);
  const volume = await volumeOf(slices.filter(isSource), Dcm2niix);
  const viewer = new Niivue({
    backColor: [0, 0, 0, 1], crosshairWidth: 0,
    isRadiologicalConvention: true, isResizeCanvas: true, logLevel: "error",
  });
  await viewer.attachToCanvas(canvas);
  await viewer.loadFromArrayBuffer(volume, "series.nii");
  const [shown] = viewer.volumes;
  viewer.opts.windowingGainFactor = (shown.cal_max - shown.cal_min) / FULL_RANGE_PX;
  viewer.setSliceType(planeOf(viewer));
  const mask = await maskOf(series, viewer, NVImage);
  return { viewer, mask, readers: await readersMaskOf(series, slices, viewer, NVImage) };
}

// Which of right-left, front-back and foot-head the slices follow.
const sliceAxis = (viewer) => viewer.volumes[0].permRAS.findIndex((axis) => Math.abs(axis) === SLICES);

// The plane that the slices were acquired in: axial, coronal or sagittal.
const planeOf = (viewer) => viewer.sliceTypeAxial + 2 - sliceAxis(viewer);

// Whether the slices lie at even distances, so that a picture across them shows what is there.
const isEven = ({ summary }) =>
  Boolean(summary?.geometry?.distance_mm) && !Object.values(summary.withheld ?? {}).includes("uneven_slices");

function slider(viewer, start) {
  const axis = sliceAxis(viewer);
  const count = viewer.volumes[0].dimsRAS[axis + 1];
  const control = h("input", { type: "range", min: 1, max: count, id: "dicom-slice" });
  const position = h("output", { for: "dicom-slice" });
  const showSlice = () => {
    control.value = viewer.frac2vox(viewer.scene.crosshairPos)[axis] + 1;
    position.textContent = `${control.value} / ${count}`;
  };
  const go = (slice) => {
    const voxel = viewer.frac2vox(viewer.scene.crosshairPos);
    voxel[axis] = Math.min(count - 1, Math.max(0, slice));
    viewer.scene.crosshairPos = viewer.vox2frac(voxel);
    viewer.drawScene();
    showSlice();
  };
  control.addEventListener("input", () => go(control.value - 1));
  viewer.onLocationChange = showSlice;
  if (start) viewer.scene.crosshairPos = start;
  go(viewer.frac2vox(viewer.scene.crosshairPos)[axis]);
  return { control: h("label", { class: "slider" }, "Slice", control, position), count, step: (by) => go(control.value - 1 + by) };
}

// The keys of the series view, for the viewer alone: neither the page beneath nor niivue gets them.
function listen(dialog, step, look, view) {
  const keys = { ...view, j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
    m: look?.toggle, o: look?.outline };
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const own = event.key.startsWith("Arrow") && (event.target.type === "range" || event.target.tagName === "SELECT"); // they move themselves
    if (!keys[event.key] || own || isSwitchedOff(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  }, { capture: true });
}

function windowOf(viewer, message, note) {
  const { cal_min: least, cal_max: most } = viewer.volumes[0];
  message.textContent = `${note}Window ${Math.round(most - least)}, level ${Math.round((most + least) / 2)}.`;
}
