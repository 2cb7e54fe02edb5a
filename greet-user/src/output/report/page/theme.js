// SPDX-License-Identifier: MIT OR Apache-2.0
// Light or dark: as the system has it, unless the reader says otherwise.

function startTheme() {
  const choice = byId("theme");
  const set = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  choice.addEventListener("change", () => {
    set(choice.value);
    // Where files may keep nothing, the choice lasts as long as the page is open.
    try { localStorage.setItem("greet-theme", choice.value); } catch { /* nothing is kept */ }
  });
  try { choice.value = localStorage.getItem("greet-theme") ?? ""; } catch { choice.value = ""; }
  set(choice.value);
  byId("theme-switch").hidden = false;
}
