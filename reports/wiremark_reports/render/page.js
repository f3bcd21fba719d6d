// Shows only requirements whose verdict is ticked; without this script all are shown.
"use strict";
const filter = document.getElementById("filter");
if (filter) {
  filter.hidden = false;
  filter.addEventListener("change", () => {
    const shown = new Set(Array.from(filter.querySelectorAll("input:checked"), (box) => box.value));
    for (const entry of document.querySelectorAll("[data-verdict]")) {
      entry.hidden = !shown.has(entry.dataset.verdict);
    }
    for (const area of document.querySelectorAll(".area")) {
      area.hidden = !area.querySelector("[data-verdict]:not([hidden])");
    }
  });
}
// A link to a hidden requirement shows it.
addEventListener("hashchange", () => {
  const entry = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (entry && entry.hidden) {
    entry.hidden = false;
    entry.closest(".area").hidden = false;
    entry.scrollIntoView();
  }
});
