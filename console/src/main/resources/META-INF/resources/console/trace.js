// A trace as a waterfall: a line for each span, below the span that began it.

import { el, facts, show } from "./dom.js";
import { id, span as duration } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

/** Shows what /api/traces/ID answered. */
export function showTrace(place, trace) {
  const end = Math.max(...trace.spans.map((s) => s.start_millis + s.duration_millis), 1e-6);
  show(place,
    el("h3", {}, "Trace ", id(trace.trace_id)),
    trace.every_server_here ? null
      : el("p", { class: "quiet" }, "Only the spans of this process: the other servers keep theirs, or send them to a collector."),
    el("ol", { class: "spans" }, inOrder(trace.spans).map(({ span, depth }) => line(span, depth, end))));
}

/** Parents before children, both by their start; a span whose parent is not here begins a tree of its own. */
function inOrder(spans) {
  const known = new Set(spans.map((s) => s.span_id));
  const children = grouped(spans, known);
  const lines = [];
  const walk = (parent, depth) => (children.get(parent) ?? []).forEach((s) => {
    lines.push({ span: s, depth });
    walk(s.span_id, depth + 1);
  });
  walk("", 0);
  return lines;
}

function grouped(spans, known) {
  const groups = new Map();
  for (const s of spans) {
    const key = known.has(s.parent_span_id) ? s.parent_span_id : "";
    groups.set(key, [...(groups.get(key) ?? []), s]);
  }
  return groups;
}

function line(span, depth, end) {
  const attributes = Object.entries(span.attributes);
  const indented = el("div", { class: "name" });
  indented.style.paddingLeft = `${depth * 0.9}rem`; // through the object model, which the content policy allows
  indented.append(el("details", {},
    el("summary", {}, short(span.name), span.kind === "INTERNAL" ? null : el("span", { class: "quiet" }, ` ${span.kind.toLowerCase()}`)),
    facts([["name", span.name], ["starts at", duration(span.start_millis)], ...attributes])));
  return el("li", { class: span.error ? "failed" : null },
    indented,
    el("div", { class: "bar" }, bar(span, end)),
    el("div", { class: "time" }, duration(span.duration_millis), span.error ? el("div", {}, span.error) : null));
}

/** ballast.policy.v1.PolicyService/Suggest → PolicyService/Suggest */
function short(name) {
  return name.replace(/^(?:[a-z0-9_]+\.)+(?=[A-Z])/, "");
}

function bar(span, end) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 1000 14");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS(SVG, "rect");
  const x = (span.start_millis / end) * 1000;
  const width = Math.max((span.duration_millis / end) * 1000, 2);
  rect.setAttribute("x", String(Math.min(x, 1000 - width)));
  rect.setAttribute("width", String(width));
  rect.setAttribute("y", "2");
  rect.setAttribute("height", "10");
  svg.append(rect);
  return svg;
}
