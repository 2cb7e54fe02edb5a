// SPDX-License-Identifier: MIT OR Apache-2.0
// The messages of an exchange: what their headers say, and where in the bytes it stands.

const HEADER = [["nlmsg_len", 0, 4], ["nlmsg_type", 4, 2], ["nlmsg_flags", 6, 2], ["nlmsg_seq", 8, 4], ["nlmsg_pid", 12, 4]];
const MESSAGES = 12;

/** The fields of a message: [name, from, length, value, meaning, odd]. */
function fieldsOf(message) {
  const fields = [];
  message.h.forEach(([at, len, type, name, flags, names, seq, port, quoted], index) => {
    const values = [
      [len, quoted ? "of the request that is quoted" : index === 0 && len > message.cap ? "bytes; not all were captured" : "bytes"],
      [type, name || (type < 16 ? "netlink’s own" : "")],
      [`0x${flags.toString(16).padStart(4, "0")}`, names || "none"],
      [seq, quoted ? "the request’s" : ""],
      [port, port === 0 ? "the kernel, or not stated" : "port ID"],
    ];
    HEADER.forEach(([field, offset, length], which) => {
      fields.push({ name: quoted ? `quoted ${field}` : field, from: at + offset, length, value: values[which][0], meaning: values[which][1], odd: (which + index) % 2 === 1 });
    });
    if (index === 0 && message.e !== undefined && message.q !== 1 && type === 2) {
      const [number, error, words] = message.e;
      fields.push({ name: "error", from: at + 16, length: 4, value: number, meaning: number === 0 ? "acknowledgement" : `${error}: ${words}`, odd: false, bad: number < 0 });
    }
  });
  return fields.filter((field) => field.from + field.length <= message.cap);
}

function messageBox(one, message, index) {
  const [from, to] = [message.f === 0 ? "the kernel" : `port ${message.f}`, message.to === 0 ? "the kernel" : `port ${message.to}`];
  const kind = message.q === 1 ? "Request" : one.m[0]?.q === 1 ? "Answer" : "Message";
  const arrow = { uk: "→", ku: "←", uu: "↔", kk: "↺" }[message.d];
  const box = make("section", { class: "message", "aria-label": `${kind}, message ${index + 1}` },
    make("h5", {}, `${arrow} ${kind}: `, message.h[0] ? typeName(message.h[0]) : "bytes not seen", message.len === undefined ? "" : `, ${plural(message.len, "byte")}`),
    make("p", { class: "soft" }, `from ${from} to ${to}`, message.g ? `, multicast group ${message.g}` : "", ...wayOf(message)));
  if (message.e !== undefined && message.e[0] < 0) {
    box.append(make("p", { class: "is-error" }, `${message.q === 1 ? "sendmsg() failed: " : "refused: "}${message.e[1]} (${message.e[0]}), ${message.e[2]}`));
  }
  if (message.x !== undefined) box.append(make("p", { class: "spoken said" }, message.x));
  if (message.cap === 0) {
    box.append(make("p", { class: "soft" }, message.len === 0 ? "It has no bytes." : "Its bytes were not seen."));
    return box;
  }
  box.append(bytesBox(message));
  return box;
}

function wayOf(message) {
  const parts = [];
  if (message.by !== undefined) {
    const [process, result] = message.by;
    parts.push(", read by ", said(nameOf(process)), result === null ? "" : ` (recvmsg() returned ${result})`);
  } else if (message.gone === 1) parts.push(", never read: its socket is gone");
  else if (message.st !== undefined && message.q !== 1) parts.push(", not read");
  if (message.cut !== undefined) parts.push(`, truncated: ${message.cut} of ${plural(message.len, "byte")} read`);
  if (message.intr) parts.push(", dump interrupted (NLM_F_DUMP_INTR)");
  if (message.pk) parts.push(`, looked at ${plural(message.pk, "time")} with MSG_PEEK before`);
  return parts;
}

/** Fields and bytes side by side; one points to the other. */
function bytesBox(message) {
  const fields = fieldsOf(message);
  const body = make("div", { class: "message-body" });
  const light = (at) => body.querySelectorAll("[data-field]").forEach((each) => each.classList.toggle("is-lit", each.dataset.field === String(at)));
  const listen = (element) => {
    const at = element.dataset.field;
    element.addEventListener("pointerenter", () => light(at));
    element.addEventListener("pointerleave", () => light());
    element.addEventListener("focus", () => light(at));
    element.addEventListener("blur", () => light());
    return element;
  };
  const rows = fields.map((field, at) => listen(make("tr", { "data-field": at, tabindex: 0 },
    make("th", { scope: "row" }, field.name), make("td", {}, String(field.value)),
    make("td", { class: field.bad ? "is-error" : "soft" }, field.meaning))));
  if (rows.length > 0) {
    body.append(make("table", { class: "fields" }, make("caption", {}, "Header fields"),
      make("thead", { class: "unseen" }, make("tr", {}, ["field", "value", "meaning"].map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, rows)));
  }
  body.append(make("div", { class: "dump-box", tabindex: 0, role: "region", "aria-label": "Bytes" }, dump(message, fields, listen)));
  return body;
}

/** Sixteen bytes a line; zeros at the end are counted. */
function dump(message, fields, listen) {
  const bytes = bytesOf(message);
  const filled = Math.ceil(Math.max(message.hex.length / 2, ...fields.map((field) => field.from + field.length), 0) / 16) * 16;
  const most = Math.min(bytes.length, bytes.length - filled > 16 ? filled : bytes.length);
  const at = (offset) => fields.findIndex((field) => offset >= field.from && offset < field.from + field.length);
  const box = make("pre", { class: "dump" });
  for (let line = 0; line < most; line += 16) {
    box.append(make("span", { class: "at" }, `${line.toString(16).padStart(4, "0")}  `));
    const end = Math.min(line + 16, most);
    let offset = line;
    while (offset < end) {
      const field = at(offset);
      const start = offset;
      while (offset < end && at(offset) === field) offset += 1;
      const text = [...bytes.slice(start, offset)].map(hexByte).join(" ");
      box.append(field < 0 ? text : listen(make("span", { class: `field${fields[field].odd ? " is-odd" : ""}`, "data-field": field }, text)), " ");
    }
    const letters = [...bytes.slice(line, end)].map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    box.append("   ".repeat(16 - (end - line)), " ", make("span", { class: "soft" }, letters), "\n");
  }
  if (most < bytes.length) box.append(make("span", { class: "zeros" }, `      ${count(bytes.length - most)} more bytes, all zero\n`));
  if (message.cap < message.len) box.append(make("span", { class: "zeros" }, `      ${count(message.len - message.cap)} more bytes were not captured (--snaplen)\n`));
  return box;
}

/** All messages; of very many the first, and the others when they are asked for. */
function messagesBox(one) {
  const box = make("div", { id: "messages" });
  const put = (from, to) => one.m.slice(from, to).forEach((message, index) => box.append(messageBox(one, message, from + index)));
  put(0, MESSAGES);
  if (one.m.length > MESSAGES) {
    const more = make("button", { type: "button", click: () => { more.remove(); put(MESSAGES); } }, `Show ${plural(one.m.length - MESSAGES, "more message")}`);
    box.append(more);
  }
  if (one.more) box.append(make("p", { class: "soft" }, `${count(one.more)} further answers, between the last two, were not kept.`));
  return box;
}
