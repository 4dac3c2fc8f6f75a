// Filters the rows of a table by every word that is typed; without this script all rows are shown.
"use strict";
for (const line of document.querySelectorAll("[data-filters]")) {
  const rows = [...document.querySelectorAll(`#${line.dataset.filters}-table tbody tr`)];
  const input = line.querySelector("input");
  const told = line.querySelector("output");
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    told.textContent = `${shown} of ${rows.length}`;
  };
  input.addEventListener("input", show);
  line.hidden = false;
  show();
}
// What a person has filtered away is printed all the same: paper has no filter to clear.
window.addEventListener("beforeprint", () => {
  for (const row of document.querySelectorAll("tr[hidden]")) row.hidden = false;
});
window.addEventListener("afterprint", () => {
  for (const input of document.querySelectorAll(".filter input")) input.dispatchEvent(new Event("input"));
});
