// A small line chart of one number over the iterations of a run, drawn with uPlot.

import uPlot from "../webjars/uplot/1.6.30/dist/uPlot.esm.js";
import { el } from "./dom.js";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** One chart and the number that it ends with, or that the pointer is on. A y that is null is a gap. */
export class Chart {
  constructor(title, digits) {
    this.digits = digits;
    this.value = el("span", { class: "quiet" });
    this.plot = el("div", { class: "plot", role: "img", "aria-label": title });
    this.element = el("div", { class: "chart" }, el("h4", {}, el("span", {}, title), this.value), this.plot);
    this.title = title;
    this.resized = new ResizeObserver(() => this.drawn?.setSize(this.size()));
    this.resized.observe(this.plot);
    this.restyle = () => this.draw();
    dark.addEventListener("change", this.restyle);
  }

  size() {
    return { width: Math.max(this.plot.clientWidth, 60), height: 150 };
  }

  /** Draws `ys` over `xs`. */
  set(xs, ys) {
    const last = ys.findLast((y) => y !== null);
    this.value.textContent = last === undefined ? "–" : last.toFixed(this.digits);
    this.plot.setAttribute("aria-label", last === undefined
      ? `${this.title}: no value yet`
      : `${this.title}: ${ys.filter((y) => y !== null).length} values, the last ${last.toFixed(this.digits)}`);
    this.data = [xs, ys];
    if (this.drawn) {
      this.drawn.setData(this.data);
    } else {
      this.draw();
    }
  }

  draw() {
    if (!this.data) {
      return;
    }
    this.drawn?.destroy();
    const axis = {
      stroke: colour("--quiet"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1 },
      font: "12px system-ui, sans-serif",
    };
    this.drawn = new uPlot({
      ...this.size(),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false }, y: { range: padded } },
      axes: [
        { ...axis, size: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000] },
        { ...axis, size: 52, space: 26 },
      ],
      series: [{}, { stroke: colour("--accent"), width: 2, points: { show: this.data[0].length < 30, size: 5, fill: colour("--accent") } }],
      hooks: { setCursor: [(plot) => this.point(plot.cursor.idx)] },
    }, this.data, this.plot);
  }

  /** Says the value under the pointer, or the last one. */
  point(index) {
    const [xs, ys] = this.data;
    const y = index === null || index === undefined ? undefined : ys[index];
    if (typeof y === "number") {
      this.value.textContent = `${y.toFixed(this.digits)} at ${xs[index]}`;
    } else {
      const last = ys.findLast((value) => value !== null);
      this.value.textContent = last === undefined ? "–" : last.toFixed(this.digits);
    }
  }

  /** Stops watching. */
  close() {
    this.resized.disconnect();
    dark.removeEventListener("change", this.restyle);
    this.drawn?.destroy();
  }
}

function padded(plot, low, high) {
  if (low === null || high === null) {
    return [0, 1];
  }
  const room = Math.max((high - low) * 0.08, Math.abs(high) * 0.01, 1e-4);
  return [low - room, high + room];
}
