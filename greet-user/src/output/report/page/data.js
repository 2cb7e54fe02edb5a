// SPDX-License-Identifier: MIT OR Apache-2.0
// What the run brought: unpacked, and with what the list needs of each exchange.

async function unpack() {
  if (typeof DecompressionStream !== "function") {
    throw new Error("This browser is too old to unpack the exchanges; one from 2023 or later can. The summary and the percentiles are whole.");
  }
  const packed = Uint8Array.from(atob(byId("data").textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return prepared(JSON.parse(await new Response(stream).text()));
}

const nameOf = ([pid, , comm]) => `${comm}[${pid}]`;

function prepared(run) {
  const total = run.spans.find(([name]) => name === "first_reply");
  run.byNumber = new Map();
  for (const one of run.exchanges) {
    one.who = nameOf(one.p);
    one.after = one.t ? one.t - run.began_ns : undefined;
    one.what = whatOf(one);
    one.total = between(one, total);
    run.byNumber.set(one.n, one);
  }
  return run;
}

/** A span's length in ns, where both its ends were seen. */
function between(one, [, from, to]) {
  const [start, end] = [one.st[from], one.st[to]];
  return start === null || end === null || end < start ? undefined : end - start;
}

const typeName = ([, , type, name]) => name || `type ${type}`;

function whatOf(one) {
  const message = one.m.find((each) => each.h.length > 0);
  if (message === undefined) return "(bytes not seen)";
  return message.x && message.h[0][2] >= 16 && one.pr === 31 ? `${typeName(message.h[0])} “${message.x}”` : typeName(message.h[0]);
}

const protocolOf = (run, number) => run.protocols[number]?.replace("NETLINK_", "") || `protocol ${number}`;

/** All that may be searched for, in small letters. */
function haystack(run, one) {
  one.hay ??= [
    one.n, one.who, protocolOf(run, one.pr), run.protocols[one.pr], one.s, one.port, one.seq, one.cb, one.e?.slice(0, 3),
    one.x, one.m.flatMap((each) => [each.x, each.e, each.by?.[0], each.h.map((field) => [typeName(field), field[5]])]),
  ].flat(5).filter((part) => part !== undefined && part !== null).join(" ").toLowerCase();
  return one.hay;
}

/** The bytes that were kept of a message. */
function bytesOf(message) {
  const bytes = new Uint8Array(message.cap);
  for (let at = 0; at < message.hex.length / 2; at += 1) {
    bytes[at] = parseInt(message.hex.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}
