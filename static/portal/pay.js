// Card fields and the pay button. The fields are frames of the payment company: what is typed into
// them never comes here. This script only learns whether they are valid, and gets a nonce for them.
(() => {
  "use strict";

  const PATIENCE_MS = 25000;
  const SENTENCES = {
    number: ["Please enter the card number.", "Please check the card number."],
    expirationDate: ["Please enter the expiry date.", "Please check the expiry date."],
    cvv: ["Please enter the security code.", "Please check the security code."],
  };
  const PLACES = { number: "card-number", expirationDate: "card-expiry", cvv: "card-code" };

  const byId = (id) => document.getElementById(id);
  const form = byId("pay-form");
  const button = byId("pay-button");
  const holder = byId("holder");
  // A page that only keeps the card says so.
  const NOTHING = form.dataset.nothing || "Nothing was charged.";
  const postalCode = byId("postal-code");
  const other = byId("other-amount");
  const whole = button.querySelector("[data-idle]").textContent;

  let fields = null;
  let busy = false;
  let overdue = 0;
  let givenUp = false;
  let amountFits = true;
  let asked = 0;
  let waiting = 0;

  function impossible() {
    givenUp = true;
    window.clearTimeout(overdue);
    form.hidden = true;
    byId("pay-loading").hidden = true;
    byId("pay-impossible").hidden = false;
  }

  function complete() {
    const states = Object.values(fields.getState().fields);
    return states.every((field) => field.isValid) && holder.value.trim() !== "" && amountFits;
  }

  function refresh() {
    button.disabled = busy || !fields || !complete();
  }

  function showBusy(now) {
    busy = now;
    button.querySelector("[data-idle]").hidden = now;
    button.querySelector("[data-busy]").hidden = !now;
    form.setAttribute("aria-busy", String(now));
    refresh();
  }

  function mark(name, state) {
    const wrong = !state.isFocused && !state.isPotentiallyValid;
    const unfinished = !state.isFocused && !state.isEmpty && !state.isValid;
    byId(PLACES[name]).classList.toggle("is-wrong", wrong || unfinished);
    byId(`${PLACES[name]}-problem`).textContent = wrong || unfinished ? SENTENCES[name][1] : "";
    byId(PLACES[name]).classList.toggle("is-focused", state.isFocused);
  }

  function markEvent(event) {
    mark(event.emittedBy, event.fields[event.emittedBy]);
    refresh();
  }

  function showBrand(event) {
    const type = event.cards.length === 1 ? event.cards[0].type : "";
    document.querySelectorAll("[data-brand]").forEach((brand) => {
      brand.classList.toggle("is-typed", brand.dataset.brand === type);
    });
  }

  function explain(error) {
    const problem = byId("pay-problem");
    if (error.code === "HOSTED_FIELDS_FIELDS_EMPTY" || error.code === "HOSTED_FIELDS_FIELDS_INVALID") {
      Object.entries(fields.getState().fields).forEach(([name, state]) => {
        if (state.isValid) return;
        byId(PLACES[name]).classList.add("is-wrong");
        byId(`${PLACES[name]}-problem`).textContent = SENTENCES[name][state.isEmpty ? 0 : 1];
      });
      problem.textContent = `Please check your card details. ${NOTHING}`;
    } else if (error.code === "HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR") {
      problem.textContent = `The payment company can’t be reached. ${NOTHING} Please try again in a moment.`;
    } else {
      problem.textContent = `Your card details were not accepted. ${NOTHING} Please check them and try again.`;
    }
  }

  function wantsPart() {
    return other !== null && form.elements.how_much.value === "other";
  }

  function showAmount(fits, words, problem, left) {
    amountFits = fits;
    button.querySelector("[data-idle]").textContent = words;
    byId("other-amount-problem").textContent = problem;
    byId("other-amount-left").textContent = left ? `${left} is left to pay then.` : "";
    other.classList.toggle("is-wrong", problem !== "");
    other.setAttribute("aria-invalid", String(problem !== ""));
    refresh();
  }

  // Only the server knows how the office writes numbers, so it reads what was typed.
  async function readAmount() {
    const turn = ++asked;
    byId("other-amount-field").hidden = !wantsPart();
    if (!wantsPart()) {
      showAmount(true, whole, "", "");
      return;
    }
    const typed = other.value.trim();
    if (!typed) {
      showAmount(false, "Pay another amount", "", "");
      return;
    }
    try {
      const address = `${other.dataset.check}?other_amount=${encodeURIComponent(typed)}`;
      const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      const said = await answer.json();
      if (turn !== asked) return;
      if (said.problem) showAmount(false, "Pay another amount", said.problem, "");
      else showAmount(true, `Pay ${said.amount}`, "", said.left);
    } catch {
      // It is read again when the form arrives; a slow line must not keep anybody from paying.
      if (turn === asked) showAmount(true, "Pay this amount", "", "");
    }
  }

  function readAmountSoon() {
    window.clearTimeout(waiting);
    amountFits = false;
    refresh();
    waiting = window.setTimeout(readAmount, 350);
  }

  function offerOtherAmount() {
    if (!other) return;
    form.querySelectorAll("[name=how_much]").forEach((choice) => {
      choice.addEventListener("change", () => {
        readAmount();
        if (wantsPart()) other.focus();
      });
    });
    other.addEventListener("input", readAmountSoon);
    readAmount();
  }

  async function submit(event) {
    event.preventDefault();
    if (busy || !fields || !complete()) return;
    byId("pay-problem").textContent = "";
    showBusy(true);
    try {
      const card = { cardholderName: holder.value.trim() };
      const street = byId("street").value.trim();
      const billing = {};
      if (street) billing.streetAddress = street;
      if (postalCode.value.trim()) billing.postalCode = postalCode.value.trim();
      if (Object.keys(billing).length) card.billingAddress = billing;
      const payload = await fields.tokenize(card);
      form.elements.nonce.value = payload.nonce;
      // The button stays busy: from here on only the next page may say how it ended.
      form.submit();
    } catch (error) {
      showBusy(false);
      explain(error);
    }
  }

  async function authorization() {
    const answer = await fetch(form.dataset.fields, {
      headers: { Accept: "application/json" },
      credentials: "same-origin",
    });
    if (!answer.ok) throw new Error("no authorization");
    return (await answer.json()).authorization;
  }

  async function start() {
    if (givenUp) return;
    if (!window.braintree || !window.braintree.client || !window.braintree.hostedFields) {
      impossible();
      return;
    }
    try {
      const client = await window.braintree.client.create({ authorization: await authorization() });
      if (givenUp) return;
      form.hidden = false;
      fields = await window.braintree.hostedFields.create({
        client,
        styles: {
          input: { "font-size": "16px", "font-family": "system-ui, sans-serif", color: "#18211f" },
          "::placeholder": { color: "#6a716e" },
          ".invalid": { color: "#a3281f" },
        },
        fields: {
          number: { container: "#card-number", placeholder: "1234 1234 1234 1234" },
          expirationDate: { container: "#card-expiry", placeholder: "MM / YY" },
          cvv: { container: "#card-code", placeholder: "123" },
        },
      });
    } catch {
      impossible();
      return;
    }
    if (givenUp) return;
    window.clearTimeout(overdue);
    byId("pay-loading").hidden = true;
    ["focus", "blur", "validityChange", "empty", "notEmpty"].forEach((name) => fields.on(name, markEvent));
    fields.on("cardTypeChange", showBrand);
    fields.on("inputSubmitRequest", () => button.click());
    holder.addEventListener("input", refresh);
    form.addEventListener("submit", submit);
    offerOtherAmount();
    refresh();
  }

  // A page taken out of the browser's memory holds a used card and perhaps an old amount.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });

  byId("pay-without-script").hidden = true;
  byId("pay-loading").hidden = false;
  overdue = window.setTimeout(impossible, PATIENCE_MS);
  // Only then have the payment company's scripts been run, or failed to come.
  document.addEventListener("DOMContentLoaded", start, { once: true });
})();
