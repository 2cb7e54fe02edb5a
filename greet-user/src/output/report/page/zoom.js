// SPDX-License-Identifier: MIT OR Apache-2.0
// Zooming and panning the diagram with buttons, keys, wheel, mouse and touch.

class Zoom {
  constructor(diagram) {
    this.diagram = diagram;
    this.fingers = new Map();
    diagram.onzoom = (view) => this.to(view);
    const { svg } = diagram;
    svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    svg.addEventListener("dblclick", (event) => this.by(.4, this.timeAt(event)));
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, (event) => this.fingers.delete(event.pointerId));
    svg.addEventListener("keydown", (event) => this.key(event));
    const button = (label, text, act) => make("button", { type: "button", "aria-label": label, title: label, click: act }, text);
    this.window = make("span", { class: "window", role: "status" });
    this.bar = make("div", { class: "diagram-bar", role: "toolbar", "aria-label": "Zoom" },
      button("Zoom in", "+", () => this.by(.5)), button("Zoom out", "−", () => this.by(2)),
      button("Earlier", "▲", () => this.shift(-.35)), button("Later", "▼", () => this.shift(.35)),
      button("Show all", "All", () => this.to(diagram.all)), this.window);
  }

  /** Shows the interval between two times. */
  to([from, to]) {
    const { diagram } = this;
    const [first, last] = diagram.all;
    const length = clamp(to - from, Math.min(20, last - first), last - first);
    const start = clamp((from + to) / 2 - length / 2, first, last - length);
    const goal = [start, start + length];
    cancelAnimationFrame(this.frame);
    if (calm()) {
      diagram.view = goal;
      this.show();
      return;
    }
    const [begin, origin] = [performance.now(), [...diagram.view]];
    const next = (now) => {
      const part = clamp((now - begin) / 180, 0, 1);
      const eased = 1 - (1 - part) ** 3;
      diagram.view = part === 1 ? goal : goal.map((end, at) => origin[at] + (end - origin[at]) * eased);
      this.show();
      if (part < 1) this.frame = requestAnimationFrame(next);
    };
    this.frame = requestAnimationFrame(next);
  }

  /** Shows an interval at once: wheel and touch need no animation. */
  jump(from, length) {
    cancelAnimationFrame(this.frame);
    const [first, last] = this.diagram.all;
    const size = clamp(length, Math.min(20, last - first), last - first);
    const start = clamp(from, first, last - size);
    this.diagram.view = [start, start + size];
    this.show();
  }

  show() {
    this.diagram.render();
    const [from, to] = this.diagram.view;
    const text = this.diagram.isZoomed() ? `${duration(Math.max(0, from))} to ${duration(to)}` : "whole exchange";
    if (this.window.textContent !== text) this.window.textContent = text;
    // The tooltip is still at the stage's old position.
    if (document.activeElement === this.diagram.svg) this.diagram.point();
  }

  by(factor, around) {
    const [from, to] = this.diagram.view;
    const mark = this.diagram.marks[this.diagram.active];
    const isSeen = mark !== undefined && mark.t >= from && mark.t <= to && document.activeElement === this.diagram.svg;
    const fixed = around ?? (isSeen ? mark.t : (from + to) / 2);
    this.to([fixed - (fixed - from) * factor, fixed + (to - fixed) * factor]);
  }

  shift(part) {
    const [from, to] = this.diagram.view;
    this.to([from + part * (to - from), to + part * (to - from)]);
  }

  scale() {
    return this.diagram.at.width / this.diagram.svg.getBoundingClientRect().width;
  }

  timeAt(event) {
    return this.diagram.time((event.clientY - this.diagram.svg.getBoundingClientRect().top) * this.scale());
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const [from, to] = this.diagram.view;
    const fixed = this.timeAt(event);
    const factor = Math.exp(clamp(event.deltaY, -60, 60) / 120);
    this.jump(fixed - (fixed - from) * factor, (to - from) * factor);
  }

  down(event) {
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    tip();
  }

  /** One pointer pans, two zoom. */
  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (before === undefined) return;
    const [from, to] = this.diagram.view;
    const others = [...this.fingers].filter(([id]) => id !== event.pointerId);
    const perPixel = ((to - from) * this.scale()) / (this.diagram.high - TOP - 12);
    if (others.length === 1) {
      const [, [, fixedY]] = others[0];
      const [was, is] = [Math.abs(before[1] - fixedY), Math.abs(event.clientY - fixedY)];
      const fixed = this.timeAt({ clientY: fixedY });
      const factor = clamp(Math.max(was, 8) / Math.max(is, 8), .5, 2);
      this.jump(fixed - (fixed - from) * factor, (to - from) * factor);
    } else if (this.diagram.isZoomed() && (event.pointerType !== "mouse" || event.buttons === 1)) {
      if (Math.abs(event.clientY - before[1]) < 1) return;
      this.jump(from - (event.clientY - before[1]) * perPixel, to - from);
    }
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { diagram } = this;
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.shiftKey && step !== undefined) this.shift(.25 * step);
    else if (step !== undefined) this.step(diagram.active + step);
    else if (event.key === "Home") this.step(0);
    else if (event.key === "End") this.step(diagram.marks.length - 1);
    else if (event.key === "+" || event.key === "=") this.by(.5);
    else if (event.key === "-") this.by(2);
    else if (event.key === "0" || event.key === "Escape") this.to(diagram.all);
    else return;
    event.preventDefault();
  }

  /** Activates another stage and brings it into view. */
  step(wish) {
    const { diagram } = this;
    const at = clamp(wish, 0, diagram.marks.length - 1);
    const mark = diagram.marks[at];
    if (mark === undefined) return;
    const [from, to] = diagram.view;
    diagram.active = at;
    if (mark.t < from || mark.t > to) this.jump(mark.t - (to - from) / 2, to - from);
    else diagram.render();
    diagram.point();
  }
}
