// A payment at the counter: the amount on the button, the change due, and authorizing a card.
(() => {
  "use strict";

  const form = document.getElementById("counter");
  if (!form) return;
  const byId = (id) => document.getElementById(id);
  const amount = byId("amount");
  const authorise = byId("authorise");
  const process = byId("process");
  const { minor, inWords } = window.typedAmounts(form);
  const card = window.counterCard;
  let busy = false;

  function chosen() {
    const radio = form.querySelector("input[name=tender]:checked");
    return radio ? radio.dataset.kind : "";
  }

  function refresh() {
    const byCard = chosen() === "card";
    const units = minor(amount.value);
    authorise.querySelector("[data-idle]").textContent =
      units ? `Authorize card for ${inWords(units)}` : "Authorize card";
    authorise.disabled = busy || !byCard || !units || !card.complete();
    process.disabled = busy || byCard;
    if (byCard) card.open(form.dataset.fields, refresh, () => authorise.click());
    showChange(units);
  }

  function showChange(units) {
    const given = minor(byId("received").value);
    const change = units !== null && given !== null ? given - units : -1;
    byId("change").hidden = change < 0;
    byId("change").querySelector("output").textContent = change < 0 ? "" : inWords(change);
  }

  function showBusy(now) {
    busy = now;
    authorise.querySelector("[data-idle]").hidden = now;
    authorise.querySelector("[data-busy]").hidden = !now;
    form.setAttribute("aria-busy", String(now));
    refresh();
  }

  async function place() {
    if (authorise.disabled) return;
    byId("card-problem").textContent = "";
    showBusy(true);
    try {
      form.elements.nonce.value = await card.nonce();
    } catch (error) {
      showBusy(false);
      byId("card-problem").textContent = card.explain(error);
      return;
    }
    const step = document.createElement("input");
    step.type = "hidden";
    step.name = "do";
    step.value = "authorise";
    form.append(step);
    // The button stays busy: from here on only the next page may say how it ended.
    form.submit();
  }

  form.addEventListener("submit", (event) => {
    if (chosen() !== "card") return;
    event.preventDefault();
    place();
  });
  form.addEventListener("input", refresh);
  form.addEventListener("change", refresh);
  // Only then have the payment company's scripts been run, or failed to come.
  if (document.readyState === "complete") refresh();
  else window.addEventListener("load", refresh, { once: true });
})();
