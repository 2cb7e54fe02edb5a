// SPDX-License-Identifier: MIT OR Apache-2.0
// Percentiles of each span, for all processes or for one, and the histogram of one span.

function startLatency(run) {
  const choice = byId("group");
  const sections = { name: "processes of one name", process: "one process" };
  const made = {};
  run.groups.forEach((group, index) => {
    const option = make("option", { value: index }, `${group.name} (${count(group.exchanges)})`);
    if (group.who === "all") choice.append(option);
    else {
      made[group.who] ??= choice.appendChild(make("optgroup", { label: sections[group.who] }));
      made[group.who].append(option);
    }
  });
  choice.value = run.groups[Number(place.group)] === undefined ? "0" : place.group || "0";
  choice.addEventListener("change", () => {
    moveTo({ group: choice.value === "0" ? "" : choice.value });
    showLatency(run);
  });
  byId("latency-live").hidden = false;
  byId("latency-static").hidden = true;
  showLatency(run);
}

function showLatency(run) {
  const group = run.groups[Number(byId("group").value)] ?? run.groups[0];
  const spans = [...run.spans, { name: "complete" }].flatMap(({ name }) => group.spans.filter((found) => found.name === name));
  const chosen = spans.find(({ name }) => name === place.span) ?? spans.find(({ name }) => name === "first_reply") ?? spans[spans.length - 1];
  const table = byId("percentiles");
  const focused = document.activeElement?.dataset?.span;
  table.replaceChildren(make("caption", {}, "Time in each span of ", said(group.name), `, ${plural(group.exchanges, "exchange")}`));
  if (chosen === undefined) {
    table.append(make("tbody", {}, make("tr", {}, make("td", {}, "No exchange here has both stages of a span."))));
    byId("histogram").replaceChildren();
    byId("histogram-caption").textContent = "";
    return;
  }
  const heads = ["span", "count", "min", "p50", "p90", "p99", "max", "mean"];
  table.append(make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col", class: head }, head)),
    make("th", { scope: "col", class: "strip" }, "p50, p90, p99"))));
  const least = Math.min(...spans.map(({ distribution }) => Math.max(distribution.min, 1)));
  const most = Math.max(...spans.map(({ distribution }) => distribution.max), least * 2);
  const share = (ns) => (100 * Math.log(Math.max(ns, least) / least)) / Math.log(most / least);
  table.append(make("tbody", {}, spans.map(({ name, distribution: found }) => {
    const isChosen = name === chosen.name;
    const choose = () => {
      moveTo({ span: name });
      showLatency(run);
    };
    return make("tr", { class: isChosen ? "is-chosen" : "" },
      make("th", { scope: "row" }, make("button", { type: "button", "aria-pressed": String(isChosen), "data-span": name, title: `histogram of ${name}`, click: choose }, name)),
      make("td", {}, count(found.count)),
      heads.slice(2).map((head) => make("td", { class: head, title: exact(found[head]), "data-ns": found[head] }, duration(found[head]))),
      make("td", { class: "strip" }, strip(found, share)));
  })));
  if (focused !== undefined) table.querySelector(`[data-span="${focused}"]`)?.focus();
  byId("histogram-caption").replaceChildren(make("strong", {}, chosen.name), " of ", said(group.name), `: ${plural(chosen.distribution.count, "time")}`);
  byId("histogram").replaceChildren(histogram(chosen.name, group.name, chosen.distribution, chosen.bins), numbers(chosen.distribution, chosen.bins));
}

/** Minimum to maximum as a line, p50 to p90 as a box, marks at p50 and p99, all on one axis. */
function strip(found, share) {
  const x = (ns) => share(ns).toFixed(2);
  const line = (ns, name, top, bottom) => draw("line", { class: name, x1: `${x(ns)}%`, x2: `${x(ns)}%`, y1: top, y2: bottom });
  return draw("svg", { "aria-hidden": "true" },
    draw("line", { class: "strip-line", x1: `${x(found.min)}%`, x2: `${x(found.max)}%`, y1: 11, y2: 11 }),
    draw("rect", { class: "strip-box", x: `${x(found.p50)}%`, width: `${Math.max(0, x(found.p90) - x(found.p50))}%`, y: 6, height: 10 }),
    line(found.p50, "strip-middle", 4, 18), line(found.p99, "strip-far", 6, 16));
}

/** The histogram's bars as a table. */
function numbers(found, fine) {
  const rows = bars(found, fine).bars.filter((bar) => bar.count > 0);
  return make("details", { class: "numbers" }, make("summary", {}, "as numbers"),
    make("table", { class: "plain" }, make("caption", { class: "unseen" }, "Bars of the histogram"),
      make("thead", {}, make("tr", {}, ["from", "to", "count"].map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, rows.map((bar) => make("tr", {}, make("th", { scope: "row" }, duration(bar.from)), make("td", {}, duration(bar.to)), make("td", {}, count(bar.count)))))));
}
