// Building the page: elements, formats, and the words that a reader sees.

import { LABELS } from "./classes.js";

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const OUTCOMES = ["analyzed", "abstained", "rejected", "failed", "skipped"];
export const REVIEWS = ["needed", "second", "disputed", "confirmed", "corrected", "rejected"];

const WORDS = { ...LABELS, needed: "needs review", second: "second reading", disputed: "readers differ" };

export const labelOf = (code) => (code ? (WORDS[code] ?? code.replaceAll("_", " ")) : "–");
export const percent = (share) => (share == null ? "–" : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`);
export const today = () => new Date().toISOString().slice(0, 10);

export function timestamp(text) {
  return h("time", { datetime: text, title: text }, text.slice(0, 16).replace("T", " "));
}

export function tumorSize(tumor) {
  if (!tumor) return "–";
  const area = tumor.area_mm2 != null ? `${Math.round(tumor.area_mm2)} mm²` : `${tumor.area_px} px`;
  const across =
    tumor.longest_diameter_mm != null
      ? `${tumor.longest_diameter_mm.toFixed(0)} mm`
      : `${tumor.longest_diameter_px.toFixed(0)} px`;
  return `${across}, ${area}`;
}

export function volume(item) {
  if (item.volume_mm3 == null) return item.volume_withheld ? `none: ${labelOf(item.volume_withheld)}` : "–";
  if (!item.volume_mm3) return "–";
  return item.volume_mm3 < 1000 ? `${item.volume_mm3.toFixed(0)} mm³` : `${(item.volume_mm3 / 1000).toFixed(1)} cm³`;
}

export function length(mm, px) {
  return mm != null ? `${mm.toFixed(1)} mm` : `${px.toFixed(0)} px`;
}

export const capitalized = (text) => text[0].toUpperCase() + text.slice(1);

export const reasonWords = (codes) => codes.map(labelOf).join(", ");

export const reasons = (codes) => (codes.length ? h("small", {}, reasonWords(codes)) : null);

export const daysAgo = (days) => new Date(Date.now() - days * 864e5).toISOString().slice(0, 10);

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export function badge(code, kind = code) {
  return h("span", { class: `badge ${kind}` }, labelOf(code));
}

export const linkUrl = (scan, name) => scan.links.find((each) => each.name === name)?.url;

export function announce(text) {
  document.getElementById("status").textContent = text;
}

export function errorMessage(error) {
  return h("p", { class: "trouble", role: "alert" }, error.message || "The answer could not be read.");
}

export function panel(title, ...children) {
  return h("section", { class: "panel" }, h("h2", {}, title), ...children);
}

export function definitionList(facts) {
  const known = Object.entries(facts).filter(([, value]) => value != null && value !== "");
  return h("dl", { class: "pairs" }, known.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
