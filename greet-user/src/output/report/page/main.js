// SPDX-License-Identifier: MIT OR Apache-2.0
// Startup: unpack the data, show it, listen for events.

/** Up to this many listed exchanges, all their diagrams are printed. */
const DIAGRAMS = 12;

async function start() {
  startTheme();
  const run = await unpack();
  readPlace();
  startLatency(run);
  byId("exchanges").hidden = false;
  const detail = new Detail(run, (step) => list.pick(clamp(list.active + step, 0, list.found.length - 1), false));
  const choose = (one, goThere) => {
    moveTo({ x: one.number });
    if (detail.one !== one) detail.show(one);
    // On a narrow page the exchange is below the list.
    if (goThere && byId("detail").getBoundingClientRect().top > innerHeight * .7) byId("detail").scrollIntoView({ block: "start" });
  };
  const list = new List(run, choose);
  const show = () => {
    const found = wanted(run);
    sayMatches(run, found);
    list.show(found);
  };
  const fillIn = startFilter(run, show);
  const arrive = () => {
    fillIn();
    show();
    const one = run.byNumber.get(Number(place.x)) ?? list.found[0];
    if (one === undefined) byId("detail").replaceChildren(make("p", { class: "nothing", id: "detail-title" }, "No exchange to show."));
    else if (detail.one !== one) detail.show(one);
    if (place.x === "" && one !== undefined) { place.x = String(one.number); list.draw(true); }
  };
  // The address holds the selection, which the link's target must not replace.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("exchanges").focus();
  });
  addEventListener("hashchange", () => { readPlace(); showLatency(run); arrive(); });
  let isOpen = false;
  const facts = document.querySelector(".facts");
  addEventListener("beforeprint", () => {
    isOpen = facts.open;
    facts.open = true;
    if (list.found.length > 1 && list.found.length <= DIAGRAMS) document.querySelector("main").append(detail.others(list.found));
  });
  addEventListener("afterprint", () => {
    facts.open = isOpen;
    document.querySelector(".paper")?.remove();
  });
  arrive();
  document.documentElement.dataset.drawn = Math.round(performance.now());
}

addEventListener("keydown", (event) => { if (event.key === "Escape") tip(); });
start().catch((error) => {
  const box = byId("trouble");
  box.textContent = error instanceof Error && !(error instanceof TypeError) ? error.message : "The exchanges cannot be read because this file is damaged. The summary and the percentiles are complete.";
  box.hidden = false;
  console.error(error);
});
