// SPDX-License-Identifier: MIT OR Apache-2.0
// The sequence diagram of one exchange. Time runs downward, to scale; the lanes are the processes
// and the kernel. Labels have a column of their own, with leader lines to their marks.

const TOP = 40;
const ROW = 20;
/** Stages of each message; the others belong to the request. */
const OF_MESSAGES = ["reply", "queue", "receive", "delivered"];
const COLUMNS_OF_SPANS = [["copy_in", "dispatch", "handler", "return"], ["build", "enqueue", "queue_wait", "copy_out"], ["first_reply"]];

/** All timestamps: every stage of the request and of each message, in chronological order. */
function marksOf(run, one) {
  const marks = [];
  const add = (stage, t, lane, message, weight) => {
    if (t === undefined) return;
    const { name, function: fixed, end } = run.stages[stage];
    const called = fixed || one.callback || "receive callback";
    const kinds = end === "entry" ? ["fentry", "kprobe"] : ["fexit", "kretprobe"];
    const hook = run.hooks.find((each) => kinds.some((kind) => each === `${kind}:${called}`));
    marks.push({ stage, name, t, lane, message, weight, called, hook: hook ?? called, end });
  };
  const sender = one.messages[0]?.is_request ? one.who : undefined;
  run.stages.forEach(({ name }, stage) => {
    if (sender === undefined || OF_MESSAGES.includes(name)) return;
    add(stage, one.stages[name], name === "send" || name === "sent" ? sender : "kernel", 0, 0);
  });
  one.messages.forEach((message, index) => {
    if (message.stages === undefined) return;
    const weight = index <= 1 ? 1 : index === one.messages.length - 1 ? 2 : 3;
    const reader = readerOf(one, message);
    run.stages.forEach(({ name }, stage) => {
      if (OF_MESSAGES.includes(name)) add(stage, message.stages[name], name === "delivered" ? reader : "kernel", index, weight);
    });
  });
  marks.sort((a, b) => a.t - b.t || a.stage - b.stage);
  marks.forEach((mark, at) => { mark.before = marks[at - 1]; });
  return marks;
}

const readerOf = (one, message) => (message.reader ? nameOf(message.reader.process) : message.to === one.port && !message.is_request && one.messages[0]?.is_request ? one.who : `port ${message.to}`);

/** A stage in words. */
function markWords(mark, first) {
  const step = mark.before === undefined ? "" : `, ${duration(mark.t - mark.before.t)} after ${mark.before.name}`;
  const since = mark === first ? "the start" : `${duration(mark.t - first.t)} since ${first.name}`;
  return { since, step: step.slice(2), label: `${mark.name}, ${mark.hook}: ${since}${step}` };
}

class Diagram {
  /** `lit`: called with the stage that is highlighted; without it, the diagram is static. */
  constructor(run, lit, name = "diagram") {
    this.run = run;
    this.lit = lit;
    this.name = name;
    this.title = draw("title", { id: `${name}-t` });
    this.desc = draw("desc", { id: `${name}-d` });
    this.layer = draw("g");
    this.svg = draw("svg", { role: "img", "aria-labelledby": `${name}-t ${name}-d`, id: name }, this.title, this.desc, this.layer);
    if (lit === undefined) return;
    // The diagram has the focus and one stage is active, so that it can be redrawn.
    fill(this.svg, {
      role: "application", "aria-roledescription": "sequence diagram", tabindex: 0,
      focus: () => this.point(), blur: () => { tip(); this.lit(undefined); },
    }, []);
  }

  /** Shows an exchange, unzoomed. */
  set(one) {
    this.one = one;
    this.marks = marksOf(this.run, one);
    this.first = this.marks[0];
    const last = this.marks[this.marks.length - 1];
    const end = Math.max(last?.t ?? 0, 1);
    this.all = [-.025 * end, 1.025 * end];
    this.view = [...this.all];
    this.active = 0;
    this.title.textContent = `Sequence diagram of exchange ${one.number}, to scale`;
    this.desc.textContent = this.marks.map((mark) => `${mark.name} at ${duration(mark.t)}`).join(", ");
    this.users = [...new Set(this.marks.map((mark) => mark.lane))].filter((lane) => lane !== "kernel");
    if (this.users.length === 0) this.users.push(one.messages[0] ? readerOf(one, one.messages[0]) : one.who);
  }

  isZoomed() {
    return this.view[1] - this.view[0] < .999 * (this.all[1] - this.all[0]);
  }

  y(t) {
    return TOP + ((t - this.view[0]) / (this.view[1] - this.view[0])) * (this.high - TOP - 12);
  }

  /** The time at a vertical position. */
  time(y) {
    return this.view[0] + ((y - TOP) / (this.high - TOP - 12)) * (this.view[1] - this.view[0]);
  }

  measure() {
    const width = this.width ?? Math.max(300, this.svg.parentElement?.clientWidth ?? 700);
    const narrow = width < 520;
    const wide = width >= 660;
    const axis = narrow ? 50 : 66;
    const labels = narrow ? 124 : wide ? Math.min(310, .38 * width) : 150;
    const span = narrow ? 22 : wide ? 70 : 64;
    const kernel = width - labels - 2 * span - 50;
    this.at = { width, narrow, wide, axis, span, kernel, queue: kernel - 20, spans: kernel + 16, labels: width - labels };
    this.high = clamp(TOP + 30 + this.marks.length * 26, 380, 560);
  }

  laneOf(name) {
    if (name === "kernel") return this.at.kernel;
    const at = Math.min(this.users.indexOf(name), 2);
    return this.at.axis + 18 + Math.max(0, at) * clamp((this.at.queue - this.at.axis - 60) / 2, 10, 60);
  }

  /** Where a lane's name starts: at the edge if the diagram is narrow. */
  headOf(name, at) {
    return this.at.narrow && at === 0 ? 16 : this.laneOf(name) - 12;
  }

  render() {
    this.measure();
    const { width } = this.at;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${this.high}`);
    this.svg.classList.toggle("is-zoomed", this.isZoomed());
    this.room = new Room();
    const clip = draw("clipPath", { id: `${this.name}-clip` }, draw("rect", { x: 0, y: TOP - 8, width, height: this.high - TOP + 4 }));
    const scaled = draw("g", { "clip-path": `url(#${this.name}-clip)` });
    this.layer.replaceChildren(clip, this.axis(), this.overview(), scaled, this.heads());
    this.lanes(scaled);
    const [leaders, arrows] = [draw("g"), draw("g")];
    // Drawn on top of all arrows.
    this.words = draw("g", { "aria-hidden": "true" });
    scaled.append(leaders);
    this.spans(scaled);
    const stages = this.stages(leaders);
    scaled.append(arrows, this.words);
    this.layer.append(stages);
    this.arrows(arrows);
    if (this.svg.querySelector(`#${this.name}-${this.active}`) === null) this.svg.removeAttribute("aria-activedescendant");
    else this.svg.setAttribute("aria-activedescendant", `${this.name}-${this.active}`);
  }

  axis() {
    const { axis, labels } = this.at;
    const { step, found } = ticks(this.view, 52 / (this.high - TOP));
    return draw("g", { "aria-hidden": "true" }, found.map((ns) => [
      draw("line", { class: "grid", x1: axis, x2: labels - 18, y1: this.y(ns), y2: this.y(ns) }),
      draw("text", { class: "tick-text", x: axis - 6, y: this.y(ns) + 4, "text-anchor": "end" }, short(ns, step))]));
  }

  /** The whole exchange in a strip at the edge, with the visible part marked. */
  overview() {
    const [from, to] = this.all;
    const y = (t) => TOP + ((t - from) / (to - from)) * (this.high - TOP - 12);
    const [top, bottom] = [y(this.view[0]), y(this.view[1])];
    return draw("g", { "aria-hidden": "true"},
      draw("rect", { class: "overview", x: 3, y: TOP, width: 9, height: this.high - TOP - 12 }),
      this.isZoomed() ? draw("rect", { class: "overview-window", x: 3, y: top, width: 9, height: Math.max(2, bottom - top) }) : null,
      this.marks.map((mark) => draw("line", { class: "overview-mark", x1: 3, x2: 12, y1: y(mark.t), y2: y(mark.t) })));
  }

  heads() {
    const { kernel, spans, span } = this.at;
    const letters = (name) => Math.floor((kernel - 26 - this.headOf(name, this.users.indexOf(name))) / 7.6);
    const heads = this.users.slice(0, 3).map((name, at) =>
      tipped(draw("text", { class: `head-text${at > 0 ? " small" : ""}`, x: this.headOf(name, at), y: at % 2 === 0 ? 16 : 31 }, cutTo(at === 2 && this.users.length > 3 ? "others" : name, letters(name))), this.users.join("\n")));
    const title = draw("text", { class: "head-text", x: kernel, y: 16, "text-anchor": "middle" }, "kernel");
    const room = span > 40 ? draw("text", { class: "soft-text small", x: spans + span, y: 31, "text-anchor": "middle" }, "spans") : null;
    return draw("g", {}, heads, title, room ? [room] : []);
  }

  lanes(into) {
    const { kernel } = this.at;
    const [top, bottom] = [TOP - 8, this.high];
    const line = (x, from, to, name) => draw("line", { class: name, x1: x, x2: x, y1: from, y2: to });
    this.users.slice(0, 3).forEach((name) => into.append(line(this.laneOf(name), top, bottom, "lane")));
    into.append(line(kernel, top, bottom, "lane"));
    const { send, cross, handle, handled, sent } = this.one.stages;
    const inside = (lane, from, to) => {
      if (from !== undefined && to !== undefined) into.append(line(this.laneOf(lane), this.y(from), this.y(to), "lane is-in"));
    };
    if (this.one.messages[0]?.is_request) inside(this.one.who, send, sent);
    const block = (name, from, to, half) => {
      if (from === undefined || to === undefined) return;
      const high = Math.max(2, this.y(to) - this.y(from));
      into.append(draw("rect", { class: name, x: kernel - half, width: 2 * half, y: this.y(from), height: high }));
    };
    block("call", cross ?? send, sent, 4);
    block("handler", handle, handled, 6);
    this.one.messages.forEach((message, index) => {
      if (message.stages === undefined) return;
      const { queue, receive, delivered } = message.stages;
      inside(readerOf(this.one, message), receive, delivered);
      if (queue === undefined) return;
      const until = receive ?? this.view[1];
      const x = this.queueOf(index);
      into.append(tipped(draw("rect", { class: "waiting", x: x - 3, width: 6, y: this.y(queue), height: Math.max(2, this.y(until) - this.y(queue)) }),
        receive === undefined ? "in the receive queue, not read" : `in the receive queue: ${duration(receive - queue)}`));
    });
  }

  queueOf(index) {
    return this.at.queue - (Math.max(0, index - 1) % 3) * 9;
  }

  spans(into) {
    const { spans, span } = this.at;
    COLUMNS_OF_SPANS.forEach((names, column) => {
      for (const name of names) {
        const found = this.run.spans.find((each) => each.name === name);
        const length = between(this.one, found);
        if (length === undefined) continue;
        const from = this.one.stages[found.from];
        const [top, bottom] = [this.y(from), this.y(from + length)];
        if (bottom < TOP - 8 || top > this.high) continue;
        const wide = column === 2 ? 7 : span - 4;
        into.append(this.span(name, from, length, [spans + column * span, Math.max(top, TOP - 8), wide, Math.max(2, Math.min(bottom, this.high) - Math.max(top, TOP - 8))]));
      }
    });
  }

  span(name, from, length, [x, y, width, height]) {
    const words = `${name}: ${duration(length)}`;
    const zoom = () => this.onzoom?.([from - .06 * length, from + 1.06 * length]);
    const box = draw("g", { class: `span${name === "queue_wait" ? " is-waiting" : ""}`, "data-span": name, click: zoom },
      draw("rect", { x, y, width, height, rx: 1.5 }));
    const long = 7 * name.length;
    const middle = `${x + width / 2} ${y + height / 2}`;
    if (width > long && height > 15) box.append(draw("text", { class: "small", x: x + width / 2, y: y + height / 2 + 4, "text-anchor": "middle" }, name));
    else if (width > 15 && height > long + 6) box.append(draw("text", { class: "small", x: x + width / 2, y: y + height / 2 + 4, "text-anchor": "middle", transform: `rotate(-90 ${middle})` }, name));
    return tipped(box, `${words}\n${exact(length)}\nclick to zoom in`);
  }

  /** The stages and their labels; the leader lines go below everything else. */
  stages(leaders) {
    const { labels, wide, width, narrow } = this.at;
    const inside = this.marks.filter((mark) => mark.t >= this.view[0] && mark.t <= this.view[1]);
    const room = Math.floor((this.high - TOP - 4) / ROW);
    const shown = labelled(inside, room);
    const places = new Map();
    spread(shown.map((mark) => this.y(mark.t)), ROW, TOP + 4, this.high - 14).forEach((y, at) => places.set(shown[at], y));
    const group = draw("g", { class: "stages-layer" });
    for (const mark of inside) {
      const [x, y, to] = [this.laneOf(mark.lane), this.y(mark.t), places.get(mark)];
      const { label, since, step } = markWords(mark, this.first);
      const at = this.marks.indexOf(mark);
      const stage = draw("g", { id: `${this.name}-${at}`, class: `stage${mark.lane === "kernel" ? " is-kernel" : ""}${at === this.active ? " is-active" : ""}`, role: "img", "aria-label": label, "data-key": at });
      const words = `${mark.name}\n${mark.hook}\n${since}${step ? `\n+${step}` : ""}`;
      if (to !== undefined) {
        leaders.append(draw("polyline", { class: "leader", "data-leader": at, points: `${x},${y} ${labels - 16},${y} ${labels - 4},${to}` }));
        stage.append(draw("rect", { class: "row", x: labels - 2, y: to - ROW / 2, width: width - labels - 2, height: ROW - 1, rx: 3 }),
          draw("text", { class: "soft-text", x: labels + (narrow ? 50 : 58), y: to + 4, "text-anchor": "end" }, duration(mark.t)),
          draw("text", { class: "name", x: labels + (narrow ? 55 : 66), y: to + 4 }, mark.name),
          wide ? draw("text", { class: "soft-text small", x: labels + 137, y: to + 4 }, cutTo(mark.called, Math.floor((width - labels - 141) / 6.3))) : draw("g"));
      }
      const queue = mark.name === "queue" || mark.name === "receive" ? this.queueOf(mark.message) : x;
      stage.append(draw("circle", { class: "dot", cx: queue, cy: y, r: 4 }), draw("circle", { class: "hit", cx: queue, cy: y, r: 11 }));
      if (this.lit !== undefined) stage.addEventListener("pointermove", (event) => { tip(words, event.clientX, event.clientY); this.lit(at); });
      if (this.lit !== undefined) stage.addEventListener("pointerleave", () => { tip(); this.lit(undefined); });
      group.append(stage);
    }
    const before = this.marks.filter((mark) => mark.t < this.view[0]).length;
    const behind = this.marks.filter((mark) => mark.t > this.view[1]).length;
    const beyond = (many, y, arrow) => many > 0 && group.append(draw("text", { class: "beyond", x: width - 8, y, "text-anchor": "end" }, `${arrow} ${plural(many, "stage")}`));
    beyond(before, TOP - 14, "▲");
    beyond(behind, this.high - 5, "▼");
    return group;
  }

  arrows(into) {
    const { one } = this;
    const { kernel } = this.at;
    const { send, cross, sent } = one.stages;
    const request = one.messages[0]?.is_request ? one.messages[0] : undefined;
    const typeOf = (message) => (message.headers[0] && !this.at.narrow ? ` · ${message.headers[0].words}` : "");
    const bytes = (message) => (this.at.narrow ? `${message.len} B` : `${message.len} bytes`);
    if (request !== undefined && (send ?? cross) !== undefined) {
      this.arrow(into, [this.laneOf(one.who), send ?? cross], [kernel, cross ?? send], `${bytes(request)}${typeOf(request)}`, one.result < 0 ? "is-bad" : "");
    }
    one.messages.forEach((message, index) => {
      if (message.stages === undefined) return;
      const { reply, queue, receive, delivered } = message.stages;
      const isError = message.error?.number < 0;
      const bad = isError && !message.is_request ? "is-bad" : "";
      const x = this.queueOf(index);
      if (queue !== undefined) this.arrow(into, [kernel, reply ?? queue], [x + 3, queue], "", bad);
      if (receive !== undefined || delivered !== undefined) {
        const type = isError ? ` · ${message.error.name}` : typeOf(message);
        this.arrow(into, [x - 3, receive ?? delivered], [this.laneOf(readerOf(one, message)), delivered ?? receive], `${bytes(message)}${type}`, bad);
      }
    });
    if (request !== undefined && sent !== undefined) {
      const text = one.result < 0 && one.error ? `returns ${one.error.name}` : this.at.narrow ? "" : `returns ${one.result}`;
      this.arrow(into, [kernel, sent], [this.laneOf(one.who), sent], text, one.result < 0 ? "is-bad" : "is-call");
    }
  }

  arrow(into, [x1, from], [x2, to], text, kind) {
    const [y1, y2] = [this.y(from), this.y(to)];
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
    const [px, py] = [x2 - 8 * dx, y2 - 8 * dy];
    into.append(draw("line", { class: `arrow ${kind}`, x1, y1, x2: px, y2: py }),
      draw("polygon", { class: `arrow-head ${kind}`, points: `${x2},${y2} ${px - 4 * dy},${py + 4 * dx} ${px + 4 * dy},${py - 4 * dx}` }));
    // The whole text if there is room, otherwise its first part.
    for (const words of [text, text.split(" · ")[0]]) {
      if (words === "" || this.along(words, [x1, y1], [x2, y2])) return;
    }
  }

  /** Text along an arrow, above or below it; horizontal at one end if the arrow is steep. */
  along(text, [x1, y1], [x2, y2]) {
    const half = 3.2 * text.length;
    if (Math.abs(x2 - x1) < 2 * half + 16) return false;
    const slope = (y2 - y1) / (x2 - x1);
    const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
    const isLevel = Math.abs(slope) < .6;
    const side = x1 < x2 ? 1 : -1;
    const places = isLevel
      ? [[mx, my - 6, slope], [mx, my + 14, slope]]
      : [[x1 + side * (half + 12), y1 - 6, 0], [x2 - side * (half + 14), y2 + 14, 0]];
    for (const [x, y, turn] of places) {
      const high = 7 + half * Math.abs(turn);
      if (y < TOP + 6 || y > this.high - 4 || !this.room.take(x - half, y - 4 - high, x + half, y - 4 + high)) continue;
      const angle = ((Math.atan(turn) * 180) / Math.PI).toFixed(2);
      this.words.append(draw("text", { class: "small halo", x, y, "text-anchor": "middle", transform: `rotate(${angle} ${x} ${y})` }, text));
      return true;
    }
    return false;
  }

  /** Highlights the active stage, with a tooltip. */
  point() {
    const at = this.active;
    const stage = this.svg.querySelector(`[data-key="${at}"]`);
    if (stage === null) return;
    this.lit(at);
    const box = stage.querySelector(".dot").getBoundingClientRect();
    const mark = this.marks[at];
    const { since, step } = markWords(mark, this.first);
    tip(`${mark.name}\n${mark.hook}\n${since}${step ? `\n+${step}` : ""}`, box.left, box.top);
  }
}

const cutTo = (text, most) => (text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text);
