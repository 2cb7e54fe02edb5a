// SPDX-License-Identifier: MIT OR Apache-2.0
// Which exchanges are listed, and in what order.

const COLUMNS = {
  number: { name: "#", value: (one) => one.number },
  after: { name: "after", value: (one) => one.after ?? Infinity },
  who: { name: "process", value: (one) => one.who },
  what: { name: "what", value: (one) => one.what },
  status: { name: "status", value: (one) => one.status },
  total: { name: "first reply", value: (one) => one.total ?? -1 },
};

/** The exchanges that match the filter, sorted. */
function wanted(run) {
  const words = place.q.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const least = place.least === "" ? undefined : Number(place.least) * 1000;
  const found = run.exchanges.filter((one) =>
    (place.status === "" || one.status === place.status)
    && (place.protocol === "" || String(one.protocol) === place.protocol)
    && (place.process === "" || one.who === place.process)
    && (least === undefined || Number.isNaN(least) || (one.total ?? -1) >= least)
    && words.every((word) => haystack(run, one).includes(word)));
  const descending = place.sort.startsWith("-");
  const name = place.sort.replace("-", "");
  const column = Object.hasOwn(COLUMNS, name) ? COLUMNS[name] : undefined;
  if (column !== undefined) {
    const sign = descending ? -1 : 1;
    const order = (a, b) => {
      const [left, right] = [column.value(a), column.value(b)];
      return left < right ? -sign : left > right ? sign : a.number - b.number;
    };
    found.sort(order);
  }
  return found;
}

function startFilter(run, show) {
  const form = byId("filter");
  const choices = (name, values, label) => {
    const choice = byId(name);
    choice.append(make("option", { value: "" }, "all"), ...values.map(([value, many]) => make("option", { value }, `${label(value)} (${count(many)})`)));
  };
  const tally = (value) => {
    const found = new Map();
    for (const one of run.exchanges) found.set(value(one), (found.get(value(one)) ?? 0) + 1);
    return [...found].sort((a, b) => b[1] - a[1]);
  };
  choices("process", tally((one) => one.who), (who) => who);
  choices("protocol", tally((one) => one.protocol), (number) => protocolOf(run, number));
  choices("status", tally((one) => one.status), (status) => status);
  const names = ["q", "process", "protocol", "status", "least"];
  const fillIn = () => names.forEach((name) => { byId(name).value = place[name]; });
  form.addEventListener("input", () => {
    moveTo(Object.fromEntries(names.map((name) => [name, byId(name).value])));
    show();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    moveTo(Object.fromEntries(names.map((name) => [name, ""])));
    fillIn();
    show();
  });
  fillIn();
  return fillIn;
}

/** Shows how many exchanges match, and announces it to screen readers. */
function sayMatches(run, found) {
  const all = run.exchanges.length;
  const left = run.left_out > 0 ? `; ${count(run.left_out)} more were counted, not kept` : "";
  const text = found.length === all ? `${plural(all, "exchange")}${left}` : `${count(found.length)} of ${plural(all, "exchange")} match${left}`;
  const place = byId("matches");
  if (place.textContent !== text) place.textContent = text;
}
