// SPDX-License-Identifier: MIT OR Apache-2.0
// One exchange: heading, diagram, stages as a table, messages.

const PAPER = 660;

class Detail {
  constructor(run, go) {
    this.run = run;
    this.go = go;
    this.box = byId("detail");
    this.diagram = new Diagram(run, (at) => this.light(at));
    this.zoom = new Zoom(this.diagram);
    this.frame = make("div", { class: "diagram" }, this.zoom.bar, this.diagram.svg);
    let width = 0;
    new ResizeObserver(([entry]) => {
      const now = Math.round(entry.contentRect.width);
      if (now === width || this.diagram.one === undefined || this.diagram.width !== undefined) return;
      width = now;
      this.diagram.render();
    }).observe(this.frame);
    addEventListener("beforeprint", () => this.paper(PAPER));
    addEventListener("afterprint", () => this.paper(undefined));
  }

  show(one) {
    const { run } = this;
    tip();
    this.one = one;
    this.diagram.set(one);
    const when = one.time_ns ? new Date(run.began_unix_ms + (one.time_ns - run.began_ns) / 1e6) : undefined;
    const facts = [protocolOf(run, one.protocol), one.port ? `port ${one.port}` : undefined, one.seq === undefined ? undefined : `sequence number ${one.seq}`,
      one.callback ? `callback ${one.callback}` : undefined, when ? `at ${when.toISOString().slice(11, 23)} UTC` : undefined,
      one.total === undefined ? undefined : `first reply ${duration(one.total)}`,
      one.complete === undefined || one.complete === one.total ? undefined : `complete ${duration(one.complete)}`];
    this.box.replaceChildren(
      make("div", { class: "detail-head" },
        make("h3", { id: "detail-title" }, `Exchange ${count(one.number)}: `, said(one.who), " ", said(one.what)),
        make("div", { class: "steps" }, make("button", { type: "button", click: () => this.go(-1) }, "Previous"), make("button", { type: "button", click: () => this.go(1) }, "Next"))),
      make("p", { class: "facts-line" }, statusWord(one.status), " · ", facts.filter((fact) => fact !== undefined).join(" · ")),
      ...this.reasons(one));
    if (this.diagram.marks.length === 0) this.box.append(make("p", { class: "soft" }, "None of its stages were seen."));
    else {
      this.box.append(this.frame, make("p", { class: "hint wide-only" }, "Hover over a stage, or step through them with the arrow keys. Zoom with + − 0, Ctrl and the wheel, or a click on a span; pan by dragging or with Shift and the arrow keys."), this.stages());
      this.zoom.show();
    }
    this.box.append(make("h4", {}, plural(one.messages.length + (one.more_replies ?? 0), "message")), messagesBox(run, one));
  }

  reasons(one) {
    const said = [];
    for (const text of one.extacks ?? []) said.push(make("p", { class: "reason" }, make("strong", {}, "Extended ACK: "), make("bdi", {}, text)));
    if (one.error) said.push(make("p", { class: "reason" }, `sendmsg() failed: ${errorWords(one.error)}`));
    for (const mark of one.marks ?? []) said.push(make("p", { class: "reason" }, mark));
    for (const loss of one.losses ?? []) {
      const owner = loss.owner ? [" of ", make("bdi", {}, nameOf(loss.owner))] : [];
      said.push(make("p", { class: "reason" }, `port ${loss.port}`, ...owner, ` ${loss.is_overrun ? "lost a message to its full receive queue" : "was sent a message that could not be delivered"}: ${loss.error.name}, ${loss.error.words}`));
    }
    if (one.more_losses) said.push(make("p", { class: "reason" }, `${count(one.more_losses)} more losses are not listed`));
    return said;
  }

  /** The diagram as a table; hovering over a row highlights its stage. */
  stages() {
    const { marks, first } = this.diagram;
    const rows = marks.map((mark, at) => make("tr", { "data-stage": at, pointerenter: () => this.light(at), pointerleave: () => this.light(undefined) },
      make("th", { scope: "row" }, mark.name, mark.message > 1 ? make("span", { class: "soft" }, ` (message ${mark.message + 1})`) : null),
      make("td", { class: "time", title: exact(mark.t) }, duration(mark.t - first.t)),
      make("td", { class: "time" }, mark.before === undefined ? "" : `+${duration(mark.t - mark.before.t)}`),
      make("td", { class: "hook" }, mark.hook)));
    return make("details", { open: marks.length <= 12 }, make("summary", {}, `Stages as a table (${marks.length})`),
      make("table", { class: "stages" }, make("caption", { class: "unseen" }, "Stages of the exchange"),
        make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "stage"), make("th", { scope: "col", class: "time" }, `since ${first.name}`), make("th", { scope: "col", class: "time" }, "step"), make("th", { scope: "col" }, "hook"))),
        make("tbody", {}, rows)));
  }

  /** Highlights a stage in the diagram and in the table. */
  light(at) {
    this.frame.querySelectorAll(".stage").forEach((stage) => stage.classList.toggle("is-lit", stage.dataset.key === String(at)));
    this.frame.querySelectorAll(".leader").forEach((leader) => leader.classList.toggle("is-lit", leader.dataset.leader === String(at)));
    this.box.querySelectorAll("[data-stage]").forEach((row) => row.classList.toggle("is-lit", row.dataset.stage === String(at)));
  }

  /** The diagrams of the other listed exchanges, for printing. */
  others(found) {
    const box = make("section", { class: "paper" }, make("h2", {}, "The other listed exchanges"));
    found.filter((one) => one !== this.one).forEach((one) => {
      const diagram = new Diagram(this.run, undefined, `paper-${one.number}`);
      diagram.set(one);
      diagram.width = PAPER;
      if (diagram.marks.length === 0) return;
      diagram.render();
      box.append(make("div", { class: "diagram" }, make("h3", {}, `Exchange ${count(one.number)}: `, said(one.who), " ", said(one.what), " "), make("p", { class: "facts-line" }, statusWord(one.status)), diagram.svg));
    });
    return box;
  }

  /** Draws the whole diagram at the width of a printed page. */
  paper(width) {
    if (this.diagram.one === undefined || this.diagram.marks.length === 0) return;
    if (width !== undefined) this.view = this.diagram.view;
    this.diagram.width = width;
    this.diagram.view = width === undefined ? this.view : this.diagram.all;
    this.diagram.render();
  }
}
