// SPDX-License-Identifier: MIT OR Apache-2.0
// Label placement: as close to the marks as possible, without overlap.

/** Moves sorted positions apart, as little as possible, until they are `gap` apart. */
function spread(places, gap, least, most) {
  const blocks = [];
  places.forEach((place, index) => {
    blocks.push({ sum: place - index * gap, size: 1 });
    while (blocks.length > 1) {
      const last = blocks[blocks.length - 1];
      const before = blocks[blocks.length - 2];
      if (before.sum / before.size <= last.sum / last.size) break;
      before.sum += last.sum;
      before.size += last.size;
      blocks.pop();
    }
  });
  const found = [];
  const bound = most - (places.length - 1) * gap;
  for (const { sum, size } of blocks) {
    const at = clamp(sum / size, least, Math.max(least, bound));
    for (let n = 0; n < size; n += 1) found.push(at + found.length * gap);
  }
  return found;
}

/** The marks, sorted by time, that get a label: the most important ones if room is short. */
function labelled(marks, room) {
  if (marks.length <= room) return marks;
  const ranked = [...marks].sort((a, b) => a.weight - b.weight || a.t - b.t).slice(0, room);
  const chosen = new Set(ranked);
  return marks.filter((mark) => chosen.has(mark));
}

/** Round times within a window, at least the fraction `gap` of it apart. */
function ticks([from, to], gap) {
  const step = Math.max(1, round((to - from) * gap));
  const found = [];
  for (let at = Math.ceil(from / step); at * step <= to; at += 1) found.push(at * step);
  return { step, found };
}

/** Remembers the occupied boxes, and refuses boxes that overlap them. */
class Room {
  boxes = [];
  take(left, top, right, bottom) {
    if (this.boxes.some((box) => left < box[2] && right > box[0] && top < box[3] && bottom > box[1])) return false;
    this.boxes.push([left, top, right, bottom]);
    return true;
  }
}
