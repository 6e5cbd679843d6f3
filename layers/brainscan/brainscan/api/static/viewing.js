// How the DICOM viewer shows a volume: planes, window, zoom, and what a drag does; by buttons, keys, wheel and fingers.

import { h } from "./dom.js";
import { gestures } from "./gestures.js";

const DRAGS = { window: 9, move: 3, ruler: 2, crosshair: 8 }; // niivue's DRAG_MODE
const WINDOWS = ["as opened", "soft", "high contrast", "full range", "inverted"];
const WIDTHS = { soft: 1.6, "high contrast": 0.6 };
const LEAST_SLICES = 8; // fewer make no picture across them
const MOST_ZOOM = 12;
const NEVER = 0; // niivue's SHOW_RENDER: three planes, and no surface beside them

// `acquired` is the plane that the slices lie in, `even` whether they lie at even distances; `changed` is told of windows.
export function viewing(viewer, { acquired, slices, even, changed }) {
  const [shown] = viewer.volumes;
  const opened = [shown.cal_min, shown.cal_max];
  const three = even && slices >= LEAST_SLICES;
  const select = (name, choices, act) => {
    const made = h("select", { "aria-label": name }, choices.map((each) => h("option", {}, each)));
    made.addEventListener("change", act);
    return made;
  };

  const drag = select("Drag to", ["window", "move", "ruler", ...(three ? ["crosshair"] : [])], () => {
    viewer.opts.dragMode = DRAGS[drag.value];
    viewer.opts.dragModePrimary = DRAGS[drag.value];
  });
  const choose = (made, value) => {
    made.value = value;
    made.dispatchEvent(new Event("change"));
  };
  const planes = select("Planes", ["as acquired", ...(three ? ["three planes"] : [])], () => {
    const all = planes.value === "three planes";
    viewer.opts.multiplanarShowRender = NEVER;
    viewer.setCrosshairWidth(all ? 1 : 0);
    viewer.setSliceType(all ? viewer.sliceTypeMultiplanar : acquired);
    choose(drag, all ? "crosshair" : "window");
  });
  const windows = select("Window", WINDOWS, () => {
    const [least, most] = windows.value === "full range" ? [shown.global_min, shown.global_max] : opened;
    const wider = ((most - least) * ((WIDTHS[windows.value] ?? 1) - 1)) / 2;
    Object.assign(shown, { cal_min: least - wider, cal_max: most + wider, colormapInvert: windows.value === "inverted" });
    viewer.updateGLVolume();
    changed();
  });

  const zoom = (factor) => {
    const [x, y, z, old] = viewer.scene.pan2Dxyzmm;
    const now = Math.min(MOST_ZOOM, Math.max(1, old * factor));
    const mm = viewer.frac2mm(viewer.scene.crosshairPos); // stays where it is seen
    viewer.setPan2Dxyzmm([...[x, y, z].map((each, axis) => each + (old - now) * mm[axis]), now]);
  };
  const fit = () => viewer.setPan2Dxyzmm([0, 0, 0, 1]);
  const reset = () => {
    fit();
    viewer.clearMeasurements();
    choose(windows, WINDOWS[0]);
    choose(planes, "as acquired");
  };
  const move = ({ x, y, factor, at }) => {
    const box = viewer.canvas.getBoundingClientRect();
    const place = (left, top) => viewer.screenXY2mm(...[left - box.left, top - box.top].map((each) => each * viewer.uiData.dpr));
    const [from, to] = [place(at[0] - x, at[1] - y), place(...at)];
    if (![...from, ...to].some(Number.isNaN)) {
      const [px, py, pz, scale] = viewer.scene.pan2Dxyzmm;
      viewer.setPan2Dxyzmm([...[px, py, pz].map((each, axis) => each + scale * (to[axis] - from[axis])), scale]);
    }
    zoom(factor);
  };
  // A mouse is niivue's; of fingers it knows one, and takes two for a way through the slices.
  const touching = gestures(viewer.canvas, (moved) => {
    if (touching.fingers() > 1 || drag.value === "move") move(moved);
  }, (event) => event.pointerType === "touch");
  const before = (name, act) =>
    viewer.canvas.parentElement.addEventListener(name, (event) => event.target === viewer.canvas && act(event), { capture: true, passive: false });
  before("touchmove", (event) => event.touches.length > 1 && event.stopPropagation());
  before("wheel", (event) => {
    if (!event.ctrlKey) return; // as fingers on a trackpad tell of themselves
    event.preventDefault();
    event.stopPropagation();
    zoom(Math.exp(-event.deltaY / 100));
  });

  const controls = h("div", { class: "zoom", role: "group", "aria-label": "View" },
    h("button", { type: "button", "aria-label": "Zoom in", onclick: () => zoom(1.4) }, "+"),
    h("button", { type: "button", "aria-label": "Zoom out", onclick: () => zoom(1 / 1.4) }, "−"),
    h("button", { type: "button", onclick: fit }, "Fit"),
    h("label", {}, "Planes ", planes), h("label", {}, "Drag to ", drag), h("label", {}, "Window ", windows),
    h("button", { type: "button", onclick: reset }, "Reset"));
  const ahead = (made) => () => choose(made, made.options[(made.selectedIndex + 1) % made.options.length].value);
  choose(drag, "window");
  return {
    controls,
    keys: { "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: fit, w: ahead(windows), p: ahead(planes),
      r: () => choose(drag, drag.value === "ruler" ? "window" : "ruler") },
  };
}
