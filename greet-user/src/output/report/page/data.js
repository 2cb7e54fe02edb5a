// SPDX-License-Identifier: MIT OR Apache-2.0
// The run's data: unpacked, with the values that the list needs added to each exchange.

async function unpack() {
  if (typeof DecompressionStream !== "function") {
    throw new Error("This browser is too old to unpack the exchanges; use one from 2023 or later. The summary and the percentiles are complete.");
  }
  const packed = Uint8Array.from(atob(byId("data").textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return prepared(JSON.parse(await new Response(stream).text()));
}

const nameOf = ({ pid, comm }) => `${comm}[${pid}]`;

function prepared(run) {
  const total = run.spans.find(({ name }) => name === "first_reply");
  run.byNumber = new Map();
  for (const one of run.exchanges) {
    one.who = nameOf(one.owner);
    one.after = one.time_ns ? one.time_ns - run.began_ns : undefined;
    one.total = between(one, total);
    run.byNumber.set(one.number, one);
  }
  return run;
}

/** A span's length in ns, if both its stages were seen. */
function between(one, { from, to }) {
  const [start, end] = [one.stages[from], one.stages[to]];
  return start === undefined || end === undefined || end < start ? undefined : end - start;
}

const protocolOf = (run, number) => run.protocols[number]?.replace("NETLINK_", "") || `protocol ${number}`;

/** All searchable text, in lower case. */
function haystack(run, one) {
  one.hay ??= [
    one.number, one.who, protocolOf(run, one.protocol), run.protocols[one.protocol], one.status, one.port, one.seq, one.callback, Object.values(one.error ?? {}),
    one.extacks, one.messages.flatMap((each) => [each.text, Object.values(each.error ?? {}), Object.values(each.reader?.process ?? {}), each.headers.map((header) => [header.words, header.flag_names])]),
  ].flat(5).filter((part) => part !== undefined && part !== null).join(" ").toLowerCase();
  return one.hay;
}

/** The captured bytes of a message. */
function bytesOf(message) {
  const bytes = new Uint8Array(message.captured);
  for (let at = 0; at < message.hex.length / 2; at += 1) {
    bytes[at] = parseInt(message.hex.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}
