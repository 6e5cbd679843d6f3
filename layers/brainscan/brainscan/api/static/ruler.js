// A ruler over a picture: two points, by click or by key, and the distance between them in millimetres, or in pixels where
// none are known.

import { h, announce, svg } from "./dom.js";

const STEP_PX = 8; // of the scan, that an arrow moves the end by; with Shift, one

export function ruler(frame, stage, image) {
  const line = svg("line", { class: "ruler-line" });
  const mark = svg("circle", { class: "ruler-end", r: 6 });
  const layer = svg("svg", { class: "layer ruler", "aria-hidden": "true" }, line, mark);
  const reading = h("output", { class: "ruler-told" });
  const button = h("button", { type: "button", "aria-pressed": "false" }, "Ruler");
  let points = []; // as shares of the stage, like the end
  let end = [0.5, 0.5]; // what the arrows move
  let grid = {};
  stage.append(layer);

  const isOn = () => button.getAttribute("aria-pressed") === "true" && !frame.classList.contains("drawing");
  const moveTo = (element, shares) => {
    for (const [name, share] of Object.entries(shares)) element.setAttribute(name, `${share * 100}%`);
    element.style.display = "";
  };
  const clear = () => {
    points = [];
    line.style.display = "none";
    mark.style.display = "none";
    reading.textContent = "";
  };
  const toggle = () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    frame.classList.toggle("measuring", on);
    clear();
    end = [0.5, 0.5];
    if (!on) return;
    frame.focus({ preventScroll: true });
    announce("Ruler: click on two points of the image; or move its end with the arrows and set each point with Enter.");
  };
  // Pixels of the scan from one side of the stage to the other, across and down.
  const pixelsAcross = () => {
    const { clientWidth: width, clientHeight: height } = stage;
    const scale = Math.min(width / image.naturalWidth, height / image.naturalHeight);
    return [width / scale * ((grid.columns ?? image.naturalWidth) / image.naturalWidth),
      height / scale * ((grid.rows ?? image.naturalHeight) / image.naturalHeight)];
  };
  const announceLength = ([x1, y1], [x2, y2]) => {
    const [across, down] = pixelsAcross();
    const pixels = [(x2 - x1) * across, (y2 - y1) * down];
    const [row, column] = grid.spacing_mm ?? [];
    reading.textContent = row ? `${Math.hypot(pixels[0] * column, pixels[1] * row).toFixed(1)} mm` : `${Math.hypot(...pixels).toFixed(0)} px`;
    announce(reading.textContent);
  };
  const draw = (start, to) => moveTo(line, { x1: start[0], y1: start[1], x2: to[0], y2: to[1] });
  const set = (point) => {
    if (points.length === 2) clear();
    points.push(point);
    draw(points[0], point);
    if (points.length === 2) announceLength(...points);
  };
  const move = (x, y) => {
    const reach = pixelsAcross();
    end = [x, y].map((pixels, axis) => Math.min(1, Math.max(0, end[axis] + pixels / reach[axis])));
    moveTo(mark, { cx: end[0], cy: end[1] });
    if (points.length !== 1) return;
    draw(points[0], end);
    announceLength(points[0], end);
  };
  frame.addEventListener("click", (event) => {
    if (!isOn()) return;
    const box = stage.getBoundingClientRect();
    set([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
  });
  frame.addEventListener("keydown", (event) => {
    if (!isOn()) return;
    const step = event.shiftKey ? 1 : STEP_PX;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (!by && event.key !== "Enter") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    move(...(by ?? [0, 0]));
    if (!by) set(end);
  }, { capture: true });
  button.addEventListener("click", toggle);
  clear();
  return { button, reading, toggle, clear, on: (known) => { grid = known ?? {}; clear(); } };
}
