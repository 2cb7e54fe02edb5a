// SPDX-License-Identifier: MIT OR Apache-2.0
// Elements are created one by one, and text is set as text: nothing here parses markup.

const byId = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** An HTML element; function-valued attributes become event listeners. */
const make = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);

/** An SVG element. */
const draw = (name, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

/** Untrusted text, isolated so that it cannot change the direction of the text around it. */
const said = (text, attributes = {}) => make("bdi", attributes, text);

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/** Shows a tooltip at a position; hides it if there is no text. */
function tip(text, x, y) {
  const box = byId("tip");
  if (text === undefined) {
    box.hidden = true;
    return;
  }
  box.textContent = text;
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const above = y - height - 14;
  box.style.left = `${clamp(x + 14, 4, Math.max(4, innerWidth - width - 4))}px`;
  box.style.top = `${above > 4 ? above : Math.min(y + 18, innerHeight - height - 4)}px`;
}

/** An element with a tooltip. */
function tipped(element, text) {
  element.addEventListener("pointermove", (event) => tip(text, event.clientX, event.clientY));
  element.addEventListener("pointerleave", () => tip());
  return element;
}

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
