// SPDX-License-Identifier: MIT OR Apache-2.0
// The selection is kept in the address after #, so that it can be bookmarked and shared.

const NOTHING = { q: "", process: "", protocol: "", status: "", least: "", sort: "", x: "", group: "", span: "" };
const place = { ...NOTHING };

function readPlace() {
  const found = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(NOTHING)) place[name] = found.get(name) ?? "";
}

/** Changes the selection, and the address. */
function moveTo(changes) {
  Object.assign(place, changes);
  const kept = Object.entries(place).filter(([, value]) => value !== "");
  const hash = `#${new URLSearchParams(kept.map(([name, value]) => [name, String(value)]))}`;
  if (location.hash === hash || (hash === "#" && location.hash === "")) return;
  // Adds no history entry for each typed letter.
  try { history.replaceState(null, "", hash); } catch { location.hash = hash; }
}
