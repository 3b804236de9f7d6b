// Ticking rows of a grid: all of the page at once, how many are ticked, and "x" for the row in hand.
// Every button of the bar works without this file.
(() => {
  "use strict";

  const form = document.getElementById("chosen");
  const all = form && form.querySelector("[data-all]");
  if (!all) return;
  const count = form.querySelector("[data-ticked]");
  const rows = [...document.querySelectorAll(".grid tbody .pick input")];
  const head = document.querySelector(".grid thead .pick");
  const page = document.createElement("input");

  function show() {
    for (const box of rows) box.disabled = all.checked;
    page.disabled = all.checked;
    const ticked = rows.filter((box) => box.checked).length;
    page.checked = ticked === rows.length;
    page.indeterminate = ticked > 0 && ticked < rows.length;
    count.textContent = !all.checked && ticked ? `${ticked} selected` : "";
    form.toggleAttribute("data-any", all.checked || ticked > 0);
  }

  page.type = "checkbox";
  page.setAttribute("aria-label", "Select all rows of this page");
  page.addEventListener("change", () => {
    for (const box of rows) box.checked = page.checked;
    show();
  });
  head.append(page);

  let last = -1;
  rows.forEach((box, place) => {
    box.addEventListener("click", (event) => {
      if (event.shiftKey && last >= 0) {
        const [from, to] = [Math.min(last, place), Math.max(last, place)];
        for (const each of rows.slice(from, to + 1)) each.checked = box.checked;
      }
      last = place;
      show();
    });
  });
  all.addEventListener("change", show);

  document.addEventListener("keydown", (event) => {
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = document.activeElement.closest(".grid tbody tr");
    const box = row && row.querySelector(".pick input");
    if (box && !box.disabled) box.click();
  });

  window.addEventListener("pageshow", show);
  show();
})();
