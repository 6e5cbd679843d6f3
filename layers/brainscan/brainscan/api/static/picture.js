// One scan as a reader looks at it: image and mask, zoomed and panned together.

import { h } from "./dom.js";
import { gestures } from "./gestures.js";
import { ruler } from "./ruler.js";

const MOST_ZOOM = 12;
const WINDOWS = { "as stored": "none", "soft": "contrast(0.7)", "high contrast": "contrast(1.7)",
  "bright": "brightness(1.6)", "inverted": "invert(1)" };

export function picture() {
  const image = h("img", { class: "layer", alt: "", draggable: "false" });
  const mask = h("img", { class: "layer mask", alt: "", draggable: "false" });
  const reader = h("img", { class: "layer mask reader", alt: "", draggable: "false" });
  const stage = h("div", { class: "stage" }, image, mask, reader);
  const frame = h("div", {
    class: "frame", tabindex: 0, role: "group",
    "aria-label": "Image. Plus and minus or two fingers zoom, arrow keys or a drag move the zoomed image, 0 fits it. With the ruler, arrow keys move its end and Enter sets a point.",
  }, stage);
  const view = { zoom: 1, x: 0, y: 0 };

  const apply = () => {
    const reach = (view.zoom - 1) / 2;
    view.x = Math.min(reach, Math.max(-reach, view.x));
    view.y = Math.min(reach, Math.max(-reach, view.y));
    stage.style.transform = `translate(${view.x * 100}%, ${view.y * 100}%) scale(${view.zoom})`;
  };
  // The point stays where it is: as shares of the frame from its middle.
  const zoom = (factor, x = 0, y = 0) => {
    const now = Math.min(MOST_ZOOM, Math.max(1, view.zoom * factor));
    const by = now / view.zoom;
    Object.assign(view, { zoom: now, x: x - by * (x - view.x), y: y - by * (y - view.y) });
    apply();
  };
  const zoomAt = (factor, left, top) => {
    const box = frame.getBoundingClientRect();
    zoom(factor, (left - box.left) / box.width - 0.5, (top - box.top) / box.height - 0.5);
  };
  const fit = () => {
    Object.assign(view, { zoom: 1, x: 0, y: 0 });
    apply();
  };
  const pan = (x, y) => {
    view.x += x;
    view.y += y;
    apply();
  };
  gestures(frame, ({ x, y, factor, at }) => {
    pan(x / frame.clientWidth, y / frame.clientHeight);
    if (factor !== 1) zoomAt(factor, ...at);
  });
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // as fingers on a trackpad tell of themselves
    event.preventDefault();
    zoomAt(Math.exp(-event.deltaY / 100), event.clientX, event.clientY);
  }, { passive: false });
  frame.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (!step || view.zoom === 1) return;
    event.preventDefault();
    event.stopPropagation();
    pan(...step);
  });
  const look = maskControls(({ shown, outline, opacity }) => {
    mask.hidden = !mask.src || !shown;
    mask.style.filter = `url(#mask-${outline ? "outline" : "fill"})`;
    mask.style.opacity = outline ? 1 : opacity;
    reader.hidden = !reader.src || !shown || drawn;
    legend.hidden = !reader.src;
  });
  const legend = h("p", { class: "legend", hidden: true }, h("span", { class: "of-network" }, "network's mask"), " ",
    h("span", { class: "of-reader" }, "reader's mask"));
  let drawn = false;
  const windowing = h("select", { "aria-label": "Window" }, Object.keys(WINDOWS).map((name) => h("option", {}, name)));
  const applyWindow = () => (image.style.filter = WINDOWS[windowing.value]);
  windowing.addEventListener("change", applyWindow);
  const nextWindow = () => {
    windowing.selectedIndex = (windowing.selectedIndex + 1) % windowing.options.length;
    applyWindow();
  };
  const measure = ruler(frame, stage, image);
  const buttons = h("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
    h("button", { type: "button", "aria-label": "Zoom in", onclick: () => zoom(1.4) }, "+"),
    h("button", { type: "button", "aria-label": "Zoom out", onclick: () => zoom(1 / 1.4) }, "−"),
    h("button", { type: "button", onclick: fit }, "Fit"), windowing, measure.button, measure.reading);

  return {
    frame,
    stage,
    controls: h("div", { class: "controls" }, look.controls, buttons, legend),
    // Whether the reader's mask is being drawn, and is not to be seen as it was.
    drawing(does) {
      drawn = does;
      look.apply();
    },
    show(imageUrl, maskUrl, description, grid, readerUrl) {
      measure.on(grid);
      image.src = imageUrl ?? "";
      image.hidden = !imageUrl;
      image.alt = description;
      for (const [layer, url] of [[mask, maskUrl], [reader, readerUrl]]) {
        if (url) layer.src = url;
        else layer.removeAttribute("src");
      }
      look.apply();
    },
    command(event) {
      const act = { "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: fit,
        m: look.toggle, o: look.outline, w: nextWindow, r: measure.toggle }[event.key];
      act?.();
      return Boolean(act);
    },
    zoom,
  };
}

// Controls of a mask; `changed` is told how it should look, at every change and by `apply`.
export function maskControls(changed) {
  const shown = h("input", { type: "checkbox", checked: true });
  const outlined = h("input", { type: "checkbox" });
  const opacity = h("input", { type: "range", min: 0, max: 100, value: 45 });
  const apply = () => {
    opacity.disabled = outlined.checked || !shown.checked;
    changed({ shown: shown.checked, outline: outlined.checked, opacity: opacity.value / 100 });
  };
  const flip = (box) => () => {
    box.checked = !box.checked;
    apply();
  };
  for (const each of [shown, outlined, opacity]) each.addEventListener("input", apply);
  const controls = h("div", { class: "mask-controls", role: "group", "aria-label": "Mask" },
    h("label", {}, shown, "Mask"), h("label", {}, outlined, "Outline only"),
    h("label", { class: "slider" }, "Opacity", opacity));
  return { controls, apply, toggle: flip(shown), outline: flip(outlined) };
}
