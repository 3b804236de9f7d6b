// Charge customer: the sentence and the button name the amount that is typed.
// Without this file the page asks once more when another amount was typed.
(() => {
  "use strict";

  const place = document.getElementById("charge");
  if (!place) return;
  const form = place.closest("form");
  const { amount, named } = form.elements;
  const places = Number(place.dataset.places);
  const written = new Intl.NumberFormat(place.dataset.locale, {
    style: "currency",
    currency: place.dataset.currency,
    minimumFractionDigits: places,
    maximumFractionDigits: places,
  });

  // Whole minor units, or null for what is no amount; the server judges it again.
  function minor(text) {
    const plain = text.replace(/[\s,$€£¥]/g, "");
    const found = /^(\d{1,12})(?:\.(\d*))?$/.exec(plain);
    if (!found || (found[2] || "").length > places) return null;
    return Number(found[1]) * 10 ** places + Number((found[2] || "").padEnd(places, "0"));
  }

  amount.addEventListener("input", () => {
    const units = minor(amount.value);
    if (!units) return;
    named.value = String(units);
    for (const output of form.querySelectorAll("[data-named]")) {
      output.textContent = written.format(units / 10 ** places);
    }
  });
})();
