// SPDX-License-Identifier: MIT OR Apache-2.0
// The messages of an exchange: the header fields, and their bytes.

const MESSAGES = 12;

/** The fields of a message: position (`layout`), value and meaning. */
function fieldsOf(message, layout) {
  const fields = [];
  message.headers.forEach((header, index) => {
    const quoted = header.is_quoted;
    const values = {
      nlmsg_len: [header.len, quoted ? "of the quoted request" : index === 0 && header.len > message.captured ? "bytes; not all were captured" : "bytes"],
      nlmsg_type: [header.type, header.type_name],
      nlmsg_flags: [`0x${header.flags.toString(16).padStart(4, "0")}`, header.flag_names || "none"],
      nlmsg_seq: [header.seq, quoted ? "the request’s" : ""],
      nlmsg_pid: [header.port, header.port === 0 ? "the kernel, or unspecified" : "port ID"],
    };
    const { error } = message;
    if (index === 0 && header.has_error && error !== undefined && !message.is_request) {
      values.error = [error.number, error.number === 0 ? error.words : `${error.name}: ${error.words}`, error.number < 0];
    }
    layout.filter(({ name }) => name in values).forEach(({ name, offset, length }, which) => {
      const [value, meaning, bad] = values[name];
      const odd = name !== "error" && (which + index) % 2 === 1;
      fields.push({ name: quoted ? `quoted ${name}` : name, from: header.at + offset, length, value, meaning, odd, bad });
    });
  });
  return fields.filter((field) => field.from + field.length <= message.captured);
}

function messageBox(run, one, message, index) {
  const [from, to] = [message.from === 0 ? "the kernel" : `port ${message.from}`, message.to === 0 ? "the kernel" : `port ${message.to}`];
  const kind = message.is_request ? "Request" : one.messages[0]?.is_request ? "Reply" : "Message";
  const arrow = { user_to_kernel: "→", kernel_to_user: "←", user_to_user: "↔", kernel_to_kernel: "↺" }[message.direction];
  const box = make("section", { class: "message", "aria-label": `${kind}, message ${index + 1}` },
    make("h5", {}, `${arrow} ${kind}: `, message.headers[0]?.words ?? "bytes not seen", message.len === undefined ? "" : `, ${plural(message.len, "byte")}`),
    make("p", { class: "soft" }, `from ${from} to ${to}`, message.group ? `, multicast group ${message.group}` : "", ...wayOf(message)));
  if (message.error?.number < 0) {
    box.append(make("p", { class: "is-error" }, `${message.is_request ? "sendmsg() failed: " : "refused: "}${errorWords(message.error)}`));
  }
  if (message.text !== undefined) box.append(make("p", { class: "spoken said" }, message.text));
  if (message.captured === 0) {
    box.append(make("p", { class: "soft" }, message.len === 0 ? "It is empty." : "Its bytes were not seen."));
    return box;
  }
  box.append(bytesBox(message, run.header));
  return box;
}

const errorWords = ({ number, name, words }) => `${name} (${number}), ${words}`;

function wayOf(message) {
  const parts = [];
  if (message.reader !== undefined) {
    const { process, result } = message.reader;
    parts.push(", read by ", said(nameOf(process)), result === undefined ? "" : ` (recvmsg() returned ${result})`);
  } else if (message.left_with_socket) parts.push(", never read: its socket was closed");
  else if (message.stages !== undefined && !message.is_request) parts.push(", not read");
  if (message.copied !== undefined) parts.push(`, truncated: ${message.copied} of ${plural(message.len, "byte")} read`);
  if (message.is_interrupted) parts.push(", dump interrupted (NLM_F_DUMP_INTR)");
  if (message.peeks) parts.push(`, peeked at ${plural(message.peeks, "time")} before (MSG_PEEK)`);
  return parts;
}

/** Fields and bytes side by side; hovering over one highlights the other. */
function bytesBox(message, layout) {
  const fields = fieldsOf(message, layout);
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

/** A hex dump, sixteen bytes per line; trailing zeros are only counted. */
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
  if (message.captured < message.len) box.append(make("span", { class: "zeros" }, `      ${count(message.len - message.captured)} more bytes were not captured (--snaplen)\n`));
  return box;
}

/** The messages; if there are many, a button shows the rest. */
function messagesBox(run, one) {
  const box = make("div", { id: "messages" });
  const put = (from, to) => one.messages.slice(from, to).forEach((message, index) => box.append(messageBox(run, one, message, from + index)));
  put(0, MESSAGES);
  if (one.messages.length > MESSAGES) {
    const more = make("button", { type: "button", click: () => { more.remove(); put(MESSAGES); } }, `Show ${plural(one.messages.length - MESSAGES, "more message")}`);
    box.append(more);
  }
  if (one.more_replies) box.append(make("p", { class: "soft" }, `${count(one.more_replies)} more replies, between the last two, were not kept.`));
  return box;
}
