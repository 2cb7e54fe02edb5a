// SPDX-License-Identifier: MIT OR Apache-2.0
// What is chosen stands behind the # of the address: it can be mailed, and found again.

const NOTHING = { q: "", process: "", protocol: "", status: "", least: "", sort: "", x: "", group: "", span: "" };
const place = { ...NOTHING };

function readPlace() {
  const found = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(NOTHING)) place[name] = found.get(name) ?? "";
}

/** Changes what is chosen, and the address. */
function moveTo(changes) {
  Object.assign(place, changes);
  const kept = Object.entries(place).filter(([, value]) => value !== "");
  const hash = `#${new URLSearchParams(kept.map(([name, value]) => [name, String(value)]))}`;
  if (location.hash === hash || (hash === "#" && location.hash === "")) return;
  // Without a step back for each letter that is typed.
  try { history.replaceState(null, "", hash); } catch { location.hash = hash; }
}
