// The DICOM viewer: niivue over the uploaded slices themselves, read in the browser by dcm2niix.

import { h, link, say, trouble } from "./dom.js";

const DRAG_CONTRAST = 1; // niivue's DRAG_MODE.contrast

export async function openViewer(slices, signal) {
  const told = h("p", { class: "muted", role: "status" }, "Loading the slices…");
  const canvas = h("canvas", { tabindex: 0, "aria-label": "DICOM viewer: drag to window, scroll through slices" });
  const dialog = h("dialog", { class: "dicom", "aria-label": "DICOM viewer" },
    h("p", { class: "banner", role: "note" }, h("strong", {}, "Research use only."), " Not a medical device."),
    h("div", { class: "dicom-head" }, told,
      h("form", { method: "dialog" }, h("button", {}, "Close"))),
    canvas);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  signal.addEventListener("abort", () => dialog.close());
  dialog.showModal();
  try {
    const [{ Niivue }, { Dcm2niix }] = await Promise.all([import("/static/niivue.js"), import("/static/index.jpeg.js")]);
    const volume = await volumeOf(slices, Dcm2niix);
    const viewer = new Niivue({
      backColor: [0, 0, 0, 1], crosshairWidth: 0, dragMode: DRAG_CONTRAST, dragModePrimary: DRAG_CONTRAST,
      isRadiologicalConvention: true, isResizeCanvas: true, logLevel: "error",
    });
    await viewer.attachToCanvas(canvas);
    await viewer.loadFromArrayBuffer(await volume.arrayBuffer(), "series.nii");
    viewer.setSliceType(viewer.sliceTypeAxial);
    told.textContent = "Drag to change the window, scroll through the slices.";
    canvas.dataset.ready = "true";
    canvas.focus();
    say("The DICOM viewer is ready.");
  } catch (error) {
    told.replaceWith(trouble(error));
  }
}

async function volumeOf(slices, Dcm2niix) {
  const urls = new Map(slices.map((slice) => [slice.staged_key, link(slice, "source")]));
  const files = await Promise.all([...urls].map(async ([key, url]) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error("The uploaded slices are no longer kept; upload the study again to view it.");
    return new File([await response.blob()], `${key.replaceAll("/", "-")}.dcm`);
  }));
  for (const file of files) file._webkitRelativePath = file.name;
  const converter = new Dcm2niix();
  await converter.init();
  const converted = await converter.input(files).run();
  const volume = converted.find((file) => file.name.endsWith(".nii"));
  if (!volume) throw new Error("These slices do not form a volume that the viewer can show.");
  return volume;
}
