// SPDX-License-Identifier: MIT OR Apache-2.0
// Formatted numbers. `duration` gives the same result as the one that wrote the tables.

const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** Up to three significant digits, with a suitable unit. */
function duration(ns) {
  const sign = ns < 0 ? "−" : "";
  const size = Math.abs(ns);
  if (size < 1000) return `${sign}${Math.round(size)}\u00a0ns`;
  const [unit, name] = size < 1e6 ? [1e3, "µs"] : size < 1e9 ? [1e6, "ms"] : [1e9, "s"];
  const value = size / unit;
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  const cut = Math.floor(value * 10 ** digits) / 10 ** digits;
  const [whole, rest] = cut.toFixed(digits).split(".");
  return `${sign}${count(whole)}${rest === undefined ? "" : `.${rest}`}\u00a0${name}`;
}

/** All digits, for comparison. */
const exact = (ns) => `${count(ns)} ns`;

/** Short, for an axis. */
function short(ns, step) {
  if (ns === 0) return "0";
  const [unit, name] = Math.abs(ns) < 1e3 ? [1, "ns"] : Math.abs(ns) < 1e6 ? [1e3, "µs"] : Math.abs(ns) < 1e9 ? [1e6, "ms"] : [1e9, "s"];
  const digits = clamp(Math.ceil(-Math.log10((step ?? ns) / unit) - 1e-9), 0, 6);
  return `${(ns / unit).toFixed(digits)} ${name}`;
}

const hexByte = (byte) => byte.toString(16).padStart(2, "0");

/** The smallest of 1, 2, 5, 10 … that is not less than the number. */
function round(number) {
  const power = 10 ** Math.floor(Math.log10(Math.max(number, 1e-9)));
  return [1, 2, 5, 10].map((digit) => digit * power).find((found) => found >= number * (1 - 1e-9));
}

const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;
