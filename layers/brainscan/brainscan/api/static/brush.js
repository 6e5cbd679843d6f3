// A round brush over a picture: by mouse, pen, finger or keys it paints into an array of the scan's own pixels.

import { h, svg } from "./dom.js";

const COLOR = 0x78ffd654; // opacity, blue, green, red: that of the outline of readers' masks
const MOST_STEPS = 20; // strokes that can be undone

// `changed` is told after every stroke. The pixels are the caller's: the brush paints into what `on` gave it.
export function brush(frame, stage, changed) {
  const canvas = h("canvas", { class: "layer drawn", hidden: true });
  const ring = svg("circle", { class: "brush-ring" });
  const over = svg("svg", { class: "layer ruler", "aria-hidden": "true" }, ring);
  stage.append(canvas, over);
  over.style.display = "none";
  const state = { draft: null, rows: 0, columns: 0, radius: 6, erases: false, at: [0, 0], from: null };

  const paint = () => {
    const { draft, rows, columns } = state;
    const image = new ImageData(columns, rows);
    const shown = new Uint32Array(image.data.buffer);
    for (let place = 0; place < shown.length; place += 1) if (draft.pixels[place]) shown[place] = COLOR;
    canvas.getContext("2d").putImageData(image, 0, 0);
  };
  const aim = ([x, y]) => {
    state.at = [Math.min(state.columns, Math.max(0, x)), Math.min(state.rows, Math.max(0, y))];
    for (const [name, value] of Object.entries({ cx: state.at[0], cy: state.at[1], r: state.radius })) ring.setAttribute(name, value);
  };
  const begin = () => {
    const { draft } = state;
    draft.before.push(draft.pixels.slice());
    if (draft.before.length > MOST_STEPS) draft.before.shift();
  };
  const line = (from, to) => {
    const steps = Math.max(1, Math.ceil((2 * Math.hypot(to[0] - from[0], to[1] - from[1])) / state.radius));
    for (let step = 0; step <= steps; step += 1)
      disc(state, from[0] + ((to[0] - from[0]) * step) / steps, from[1] + ((to[1] - from[1]) * step) / steps);
    paint();
  };
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    const scale = Math.min(box.width / state.columns, box.height / state.rows);
    return [(event.clientX - box.left - (box.width - state.columns * scale) / 2) / scale,
      (event.clientY - box.top - (box.height - state.rows * scale) / 2) / scale];
  };
  // Before all other listeners of the frame, which move the picture and measure in it.
  const own = (name, act) => frame.addEventListener(name, (event) => {
    if (!state.draft) return;
    event.stopImmediatePropagation();
    act(event);
  }, { capture: true });
  own("pointerdown", (event) => {
    if (event.button) return;
    frame.setPointerCapture(event.pointerId);
    begin();
    state.from = place(event);
    aim(state.from);
    line(state.from, state.from);
  });
  own("pointermove", (event) => {
    for (const each of event.getCoalescedEvents?.() ?? [event]) {
      const now = place(each);
      if (state.from) line(state.from, now);
      if (state.from) state.from = now;
    }
    aim(place(event));
  });
  for (const end of ["pointerup", "pointercancel"]) own(end, () => {
    if (state.from) changed();
    state.from = null;
  });
  own("click", () => {});
  frame.addEventListener("keydown", (event) => {
    if (!state.draft) return;
    const step = event.shiftKey ? 1 : Math.max(1, state.radius);
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (by) return aim([state.at[0] + by[0], state.at[1] + by[1]]);
    begin();
    line(state.at, state.at);
    return changed();
  }, { capture: true });

  return {
    // Paint into a draft: `pixels`, one byte each, and `before`, its former states; null puts the brush away.
    on(draft, rows = state.rows, columns = state.columns) {
      const other = rows !== state.rows || columns !== state.columns;
      Object.assign(state, { draft, rows, columns, from: null });
      canvas.hidden = !draft;
      over.style.display = draft ? "" : "none";
      frame.classList.toggle("drawing", Boolean(draft));
      if (!draft) return;
      Object.assign(canvas, { width: columns, height: rows });
      over.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
      if (other) aim([columns / 2, rows / 2]);
      paint();
    },
    undo() {
      const before = state.draft?.before.pop();
      if (!before) return false;
      state.draft.pixels.set(before);
      paint();
      changed();
      return true;
    },
    clear() {
      begin();
      state.draft.pixels.fill(0);
      paint();
      changed();
    },
    size(radius) {
      state.radius = radius;
      aim(state.at);
    },
    erase: (does) => (state.erases = does),
  };
}

function disc({ draft, rows, columns, radius, erases }, x, y) {
  const value = erases ? 0 : 255;
  for (let row = Math.max(0, Math.floor(y - radius)); row < Math.min(rows, y + radius); row += 1)
    for (let column = Math.max(0, Math.floor(x - radius)); column < Math.min(columns, x + radius); column += 1)
      if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= radius) draft.pixels[row * columns + column] = value;
}
