// Charge customer: the sentence and the button name the amount that is typed.
// Without this file the page asks once more when another amount was typed.
(() => {
  "use strict";

  const place = document.getElementById("charge");
  if (!place) return;
  const form = place.closest("form");
  const { amount, named } = form.elements;
  const { minor, inWords } = window.typedAmounts(place);

  function name() {
    const units = minor(amount.value);
    if (!units) return;
    named.value = String(units);
    for (const output of form.querySelectorAll("[data-named]")) {
      output.textContent = inWords(units);
    }
  }

  amount.addEventListener("input", name);
  // What was typed before this file was here.
  name();
})();
