// Keys of a single character: a reader who dictates, or whose hands shake, may switch them off.

const SWITCH = "keys of a single character";

export const isSwitchedOff = ({ key }) => key.length === 1 && localStorage.getItem(SWITCH) === "no";

// Lets a checkbox switch them.
export function switchedBy(box) {
  box.checked = localStorage.getItem(SWITCH) !== "no";
  box.addEventListener("change", () => localStorage.setItem(SWITCH, box.checked ? "yes" : "no"));
}
