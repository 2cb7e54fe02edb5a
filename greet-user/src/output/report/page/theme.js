// SPDX-License-Identifier: MIT OR Apache-2.0
// Light or dark: follows the system unless the user chooses.

function startTheme() {
  const choice = byId("theme");
  const set = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  choice.addEventListener("change", () => {
    set(choice.value);
    // Without local storage, the choice lasts until the page is closed.
    try { localStorage.setItem("greet-theme", choice.value); } catch { /* not stored */ }
  });
  try { choice.value = localStorage.getItem("greet-theme") ?? ""; } catch { choice.value = ""; }
  set(choice.value);
  byId("theme-switch").hidden = false;
}
