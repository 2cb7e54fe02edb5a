// SPDX-License-Identifier: MIT OR Apache-2.0
// The list. Only the visible rows exist, however long the list is; one empty row each stands for
// those above and below. The table has the focus, and one row is active.

const AHEAD = 12;
const ON_PAPER = 40;

class List {
  constructor(run, choose) {
    this.run = run;
    this.choose = choose;
    this.found = [];
    this.active = 0;
    this.drawn = "";
    this.head = make("tr", { "aria-rowindex": 1 }, Object.entries(COLUMNS).map(([name, column]) =>
      make("th", { scope: "col", class: name, "data-column": name }, make("button", { type: "button", click: () => this.sortBy(name) }, column.name))));
    this.body = make("tbody");
    this.table = make("table", { role: "grid", tabindex: 0, "aria-label": "Exchanges", "aria-describedby": "matches", keydown: (event) => this.key(event) },
      make("thead", {}, this.head), this.body);
    this.rows = make("div", { class: "rows", scroll: () => this.draw() }, this.table);
    byId("list").append(this.rows);
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("tr[data-at]");
      if (row !== null) this.pick(Number(row.dataset.at), true);
    });
    addEventListener("resize", () => { this.high = undefined; this.draw(true); });
    addEventListener("beforeprint", () => this.print());
    addEventListener("afterprint", () => this.draw(true));
  }

  /** Lists these exchanges; the selected one stays selected if it is among them. */
  show(found) {
    this.found = found;
    const at = found.findIndex((one) => String(one.number) === String(place.x));
    this.active = Math.max(0, at);
    this.table.setAttribute("aria-rowcount", found.length + 1);
    for (const cell of this.head.children) {
      const order = place.sort.replace("-", "") === cell.dataset.column ? (place.sort.startsWith("-") ? "descending" : "ascending") : "none";
      cell.setAttribute("aria-sort", order);
    }
    this.draw(true);
    this.reveal();
    return at;
  }

  sortBy(name) {
    const sort = place.sort === name ? `-${name}` : place.sort === `-${name}` ? "" : name;
    moveTo({ sort });
    this.show(wanted(this.run));
  }

  rowHeight() {
    this.high ??= this.body.querySelector("tr[data-at]")?.getBoundingClientRect().height || undefined;
    return this.high ?? 36;
  }

  draw(anew) {
    const high = this.rowHeight();
    const first = clamp(Math.floor(this.rows.scrollTop / high) - AHEAD, 0, this.found.length);
    const last = Math.min(this.found.length, first + Math.ceil((this.rows.clientHeight || 700) / high) + 2 * AHEAD);
    const drawn = `${first} ${last} ${this.active}`;
    if (!anew && drawn === this.drawn) return;
    this.drawn = drawn;
    this.put(first, last, high);
    if (this.high === undefined && this.found.length > 0 && this.rowHeight() !== high) this.draw(true);
  }

  put(first, last, high) {
    if (this.found.length === 0) {
      this.body.replaceChildren(make("tr", {}, make("td", { class: "nothing", colspan: 4 }, "No exchange matches.")));
      this.table.removeAttribute("aria-activedescendant");
      return;
    }
    const gap = (many) => {
      const row = make("tr", { class: "gap", "aria-hidden": "true" }, make("td"));
      row.style.height = `${many * high}px`;
      return row;
    };
    const rows = [];
    for (let at = first; at < last; at += 1) rows.push(this.row(at));
    this.body.replaceChildren(gap(first), ...rows, gap(this.found.length - last));
    const isThere = this.active >= first && this.active < last;
    if (isThere) this.table.setAttribute("aria-activedescendant", `row-${this.active}`);
    else this.table.removeAttribute("aria-activedescendant");
  }

  row(at) {
    const one = this.found[at];
    const isChosen = String(one.number) === String(place.x);
    const cell = (name, ...children) => make("td", { role: "gridcell", class: name }, ...children);
    return make("tr", { id: `row-${at}`, "data-at": at, "aria-rowindex": at + 2, "aria-selected": String(isChosen), class: at === this.active ? "is-active" : "" },
      cell("number", count(one.number)), cell("after", one.after === undefined ? "" : duration(one.after)),
      make("td", { role: "gridcell", class: "who", title: one.who }, said(one.who)),
      make("td", { role: "gridcell", class: "what", title: one.what }, make("span", { class: "who-line" }, said(one.who)), said(one.what)),
      cell("status", statusWord(one.status)), cell("total", one.total === undefined ? "–" : duration(one.total)));
  }

  key(event) {
    if (event.target !== this.table || event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.rows.clientHeight / this.rowHeight()) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) this.pick(clamp(this.active + steps[event.key], 0, this.found.length - 1), false);
    else if (event.key === "Enter" || event.key === " ") this.pick(this.active, true);
    else return;
    event.preventDefault();
  }

  /** Activates a row and shows its exchange. */
  pick(at, goThere) {
    const one = this.found[at];
    if (one === undefined) return;
    this.active = at;
    this.choose(one, goThere);
    this.reveal();
    this.draw(true);
  }

  reveal() {
    const high = this.rowHeight();
    const [top, head] = [this.active * high, this.head.getBoundingClientRect().height];
    if (top < this.rows.scrollTop) this.rows.scrollTop = top;
    const over = top + high + head - this.rows.clientHeight;
    if (over > this.rows.scrollTop) this.rows.scrollTop = over;
    this.draw();
  }

  /** Prints the rows around the selected one, since paper does not scroll. */
  print() {
    const first = clamp(this.active - ON_PAPER / 2, 0, Math.max(0, this.found.length - ON_PAPER));
    this.put(first, Math.min(this.found.length, first + ON_PAPER), 0);
  }
}

const statusWord = (status) => make("span", { class: `status-word is-${status}` }, status);
