// A ruler over a picture: two clicks, and the distance between them in millimetres, or in pixels where none are known.

import { h, announce, svg } from "./dom.js";

export function ruler(frame, stage, image) {
  const line = svg("line", { class: "ruler-line" });
  const layer = svg("svg", { class: "layer ruler", "aria-hidden": "true" }, line);
  const reading = h("output", { class: "ruler-told" });
  const button = h("button", { type: "button", "aria-pressed": "false" }, "Ruler");
  let points = [];
  let grid = {};
  stage.append(layer);

  const clear = () => {
    points = [];
    line.style.display = "none";
    reading.textContent = "";
  };
  const toggle = () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    frame.classList.toggle("measuring", on);
    clear();
    if (on) announce("Ruler: click on two points of the image.");
  };
  const tell = () => {
    const [[x1, y1], [x2, y2]] = points;
    const { clientWidth: width, clientHeight: height } = stage;
    const scale = Math.min(width / image.naturalWidth, height / image.naturalHeight);
    const pixels = [(x2 - x1) * width / scale, (y2 - y1) * height / scale].map((each, axis) =>
      each * ((axis ? grid.rows : grid.columns) ?? (axis ? image.naturalHeight : image.naturalWidth)) /
      (axis ? image.naturalHeight : image.naturalWidth));
    const [row, column] = grid.spacing_mm ?? [];
    reading.textContent = row ? `${Math.hypot(pixels[0] * column, pixels[1] * row).toFixed(1)} mm` : `${Math.hypot(...pixels).toFixed(0)} px`;
    announce(reading.textContent);
  };
  frame.addEventListener("click", (event) => {
    if (button.getAttribute("aria-pressed") !== "true") return;
    const box = stage.getBoundingClientRect();
    if (points.length === 2) clear();
    points.push([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
    const [start, end = start] = points;
    for (const [name, share] of Object.entries({ x1: start[0], y1: start[1], x2: end[0], y2: end[1] }))
      line.setAttribute(name, `${share * 100}%`);
    line.style.display = "";
    if (points.length === 2) tell();
  });
  button.addEventListener("click", toggle);
  clear();
  return { button, reading, toggle, clear, on: (known) => { grid = known ?? {}; clear(); } };
}
