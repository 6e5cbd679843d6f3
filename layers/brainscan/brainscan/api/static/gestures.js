// Mouse, pen or fingers on an element: one drags, two pinch.

// `moved` is told how far the middle of what touches went, in CSS pixels, by which factor two fingers went apart, and
// where the middle is; `takes` says which pointers count.
export function gestures(element, moved, takes = () => true) {
  const places = new Map();
  element.addEventListener("pointerdown", (event) => {
    if (event.button || !takes(event)) return;
    places.set(event.pointerId, [event.clientX, event.clientY]);
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (!places.has(event.pointerId)) return;
    const before = spread(places);
    places.set(event.pointerId, [event.clientX, event.clientY]);
    const after = spread(places);
    moved({ x: after.x - before.x, y: after.y - before.y, factor: after.size / before.size, at: [after.x, after.y] });
  });
  for (const end of ["pointerup", "pointercancel"])
    element.addEventListener(end, (event) => places.delete(event.pointerId));
  return { fingers: () => places.size };
}

function spread(places) {
  const [one, other = one] = places.values();
  return { x: (one[0] + other[0]) / 2, y: (one[1] + other[1]) / 2, size: Math.hypot(one[0] - other[0], one[1] - other[1]) || 1 };
}
