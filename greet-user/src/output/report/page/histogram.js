// SPDX-License-Identifier: MIT OR Apache-2.0
// The distribution of durations. The axis is logarithmic if they span a wide range.

const BARS = 36;

/** The bars to draw, merged from the narrower bins that were counted. */
function bars({ min, max }, fine) {
  const logarithmic = max > 8 * Math.max(min, 1);
  const place = logarithmic ? (ns) => Math.log10(Math.max(ns, 1)) : (ns) => ns;
  const back = logarithmic ? (at) => 10 ** at : (at) => at;
  const least = place(min);
  // A bar is never narrower than a bin.
  const finest = logarithmic ? Math.log10(17 / 16) : Math.max(max / 16, 1);
  const width = Math.max((place(max) - least) / BARS, finest) || 1;
  const number = Math.max(1, Math.ceil((place(max) - least) / width + 1e-9));
  const found = Array.from({ length: number }, (_, at) => ({ from: back(least + at * width), to: back(least + (at + 1) * width), count: 0 }));
  for (const { from, to, count: many } of fine) {
    const middle = clamp((from + to - 1) / 2, min, max);
    found[clamp(Math.floor((place(middle) - least) / width), 0, number - 1)].count += many;
  }
  return { bars: found, place, least, most: least + number * width, logarithmic };
}

function axisTicks({ place, least, most, logarithmic }) {
  const ticks = [];
  if (logarithmic) {
    for (let power = Math.floor(least); power <= most; power += 1) {
      for (const digit of most - least > 3 ? [1] : most - least > 1.4 ? [1, 3] : [1, 2, 5]) ticks.push(digit * 10 ** power);
    }
  } else {
    const step = round((most - least) / 5);
    for (let at = Math.ceil(least / step) * step; at <= most; at += step) ticks.push(at);
  }
  return ticks.filter((ns) => place(ns) >= least && place(ns) <= most);
}

/** A histogram with its percentiles, as SVG. */
function histogram(name, who, found, fine) {
  const width = clamp(byId("histogram").clientWidth || 560, 300, 560);
  const [height, left, top, bottom] = [240, 44, 34, 26];
  const scale = bars(found, fine);
  const most = Math.max(...scale.bars.map((bar) => bar.count));
  const x = (at) => left + ((at - scale.least) / (scale.most - scale.least)) * (width - left - 8);
  const y = (many) => height - bottom - (many / most) * (height - bottom - top);
  const title = `How long ${name} took: ${who}`;
  const sentence = `${plural(found.count, "time")}; half took at most ${duration(found.p50)}, 90 % at most ${duration(found.p90)}, 99 % at most ${duration(found.p99)}, the longest ${duration(found.max)}.`;
  const drawing = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": "histogram-t histogram-d" },
    draw("title", { id: "histogram-t" }, title), draw("desc", { id: "histogram-d" }, sentence));
  for (const share of [0, .5, 1]) {
    const many = Math.round(most * share);
    if (share === .5 && most < 4) continue;
    drawing.append(draw("line", { class: share === 0 ? "axis" : "grid", x1: left, x2: width - 8, y1: y(many), y2: y(many) }),
      draw("text", { class: "chart-text", x: left - 6, y: y(many) + 4, "text-anchor": "end" }, count(many)));
  }
  scale.bars.forEach((bar) => {
    if (bar.count === 0) return;
    const [from, to] = [x(scale.place(bar.from)), x(scale.place(bar.to))];
    const high = Math.max(1.5, height - bottom - y(bar.count));
    drawing.append(tipped(draw("rect", { class: "bar", x: from + .5, y: height - bottom - high, width: Math.max(1, to - from - 1), height: high }),
      `${duration(bar.from)} to ${duration(bar.to)}: ${count(bar.count)}`));
  });
  let free = 0;
  for (const ns of axisTicks(scale)) {
    const at = x(scale.place(ns));
    const text = short(ns);
    if (at - 3.4 * text.length < free) continue;
    free = at + 3.4 * text.length + 8;
    drawing.append(draw("line", { class: "axis", x1: at, x2: at, y1: height - bottom, y2: height - bottom + 4 }),
      draw("text", { class: "chart-text", x: at, y: height - 6, "text-anchor": "middle" }, text));
  }
  ranks(drawing, found, (ns) => x(scale.place(clamp(ns, found.min, found.max))), [left, width - 8, top, height - bottom]);
  return drawing;
}

/** Marks p50, p90 and p99, with labels that do not overlap. */
function ranks(drawing, found, x, [left, right, top, bottom]) {
  const names = ["p50", "p90", "p99"].map((rank) => ({ rank, at: x(found[rank]) }));
  const spots = spread(names.map(({ at }) => at), 34, left + 14, right - 14);
  names.forEach(({ rank, at }, index) => {
    drawing.append(draw("polyline", { class: "rank", fill: "none", points: `${at},${bottom} ${at},${top - 4} ${spots[index]},${top - 14}` }),
      draw("text", { class: "rank-text", x: spots[index], y: top - 18, "text-anchor": "middle" }, rank));
  });
}
