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
// Fields above a table show the rows that have all words and every value chosen.
for (const form of document.querySelectorAll("form[data-rows]")) {
  const rows = Array.from(document.querySelectorAll(`#${form.dataset.rows} tbody tr`));
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const show = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = Array.from(form.querySelectorAll("select")).filter((list) => list.value);
    rows.forEach((row, at) => {
      row.hidden = !words.every((word) => texts[at].includes(word))
        || !chosen.every((list) => row.dataset[list.name] === list.value);
    });
    form.querySelector("output").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  };
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}
// A link to something hidden shows it.
addEventListener("hashchange", () => {
  const entry = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (entry && entry.hidden) {
    entry.hidden = false;
    const area = entry.closest(".area");
    if (area) area.hidden = false;
    entry.scrollIntoView();
  }
});
