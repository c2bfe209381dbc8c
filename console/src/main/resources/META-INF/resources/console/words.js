// What the page says of values. A value that is not there is a dash.

import { el } from "./dom.js";

export const ABSENT = "–";

/** RUN_STATE_NO_SOLUTION_FOUND without its prefix, in words. */
export function words(name, prefix) {
  return (name || "").replace(prefix, "").toLowerCase().replaceAll("_", " ");
}

/** A number with so many digits after the point; a dash if it is none, or not finite. */
export function number(value, digits = 3) {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(digits) : ABSENT;
}

/** A number with so many significant digits. */
export function significant(value, digits = 3) {
  return typeof value === "number" && Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : ABSENT;
}

/** Milliseconds of a protobuf Duration such as "0.012s"; null if there is none. */
export function millis(duration) {
  return typeof duration === "string" ? Number.parseFloat(duration) * 1000 : null;
}

/** Milliseconds in words. */
export function span(value) {
  if (value === null || value === undefined) {
    return ABSENT;
  }
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}

/** A moment, in the reader's own time. */
export function time(timestamp) {
  return timestamp
    ? el("time", { datetime: timestamp }, new Date(timestamp).toLocaleString([], { dateStyle: "short", timeStyle: "medium" }))
    : ABSENT;
}

/** A model's version, with the beginning of its checksum; a dash if there is none. */
export function version(v) {
  return v && v.model
    ? el("span", { class: "mono", title: v.weights_sha256 ? `SHA-256 ${v.weights_sha256}` : null }, `${v.model}/${v.version}`)
    : ABSENT;
}

/** An id, whole. */
export function id(text) {
  return text ? el("span", { class: "mono" }, text) : ABSENT;
}

/** A word in a colour that says how good it is: "good", "warn", "bad" or "". */
export function tag(text, how) {
  return el("span", { class: `tag ${how}` }, text);
}
