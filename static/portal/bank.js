// The form of a bank account. What is typed goes to the payment company by its own script; our
// server gets a nonce, the last four digits, and the text that was agreed to.
(() => {
  "use strict";

  const PATIENCE_MS = 25000;
  const byId = (id) => document.getElementById(id);
  const form = byId("bank-form");
  const button = byId("bank-button");
  const isSepa = form.dataset.kind === "sepa";
  const typed = (id) => byId(id).value.trim();
  const compact = (id) => byId(id).value.replace(/\s/g, "").toUpperCase();

  let component = null;
  let busy = false;
  let overdue = 0;
  let givenUp = false;

  function impossible() {
    givenUp = true;
    window.clearTimeout(overdue);
    form.hidden = true;
    byId("bank-loading").hidden = true;
    byId("bank-impossible").hidden = false;
  }

  function showBusy(now) {
    busy = now;
    button.disabled = now;
    button.querySelector("[data-idle]").hidden = now;
    button.querySelector("[data-busy]").hidden = !now;
    form.setAttribute("aria-busy", String(now));
  }

  // ISO 13616: a mistyped IBAN is told at once, not by the bank in a few days.
  function ibanIsRight(iban) {
    if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban)) return false;
    const digits = (iban.slice(4) + iban.slice(0, 4)).replace(/[A-Z]/g, (letter) => parseInt(letter, 36));
    return [...digits].reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0) === 1;
  }

  function routingIsRight(routing) {
    if (!/^\d{9}$/.test(routing)) return false;
    const weights = [3, 7, 1, 3, 7, 1, 3, 7, 1];
    return [...routing].reduce((sum, digit, place) => sum + Number(digit) * weights[place], 0) % 10 === 0;
  }

  const RULES = {
    holder: [() => typed("holder") !== "", "Please enter the name of the account holder."],
    ...(isSepa
      ? { iban: [() => ibanIsRight(compact("iban")), "Please check the IBAN."] }
      : {
          routing: [() => routingIsRight(typed("routing")), "Please check the routing number."],
          account: [() => /^\d{4,17}$/.test(compact("account")), "Please check the account number."],
          "bank-street": [() => typed("bank-street") !== "", "Please enter the street."],
          "bank-city": [() => typed("bank-city") !== "", "Please enter the town."],
          "bank-state": [() => /^[A-Za-z]{2}$/.test(typed("bank-state")), "Please enter the two letters of the state."],
          "bank-zip": [() => /^\d{5}(-\d{4})?$/.test(typed("bank-zip")), "Please check the ZIP code."],
        }),
    agreed: [() => byId("agreed").checked, "Please tick that you agree, so that we may use the account."],
  };

  function tell(id) {
    const [isRight, sentence] = RULES[id];
    const right = isRight();
    byId(`${id}-problem`).textContent = right ? "" : sentence;
    byId(id).classList.toggle("is-wrong", !right);
    byId(id).setAttribute("aria-invalid", String(!right));
    return right;
  }

  function complete() {
    const wrong = Object.keys(RULES).filter((id) => !tell(id));
    if (wrong.length) byId(wrong[0]).focus();
    return wrong.length === 0;
  }

  const lastFour = () => compact(isSepa ? "iban" : "account").slice(-4);
  const accountKind = () => (isSepa ? "" : form.elements.account_kind.value);

  function fillMandate() {
    const words = {
      holder: typed("holder").replace(/\s+/g, " ") || "…",
      "last-four": lastFour().length === 4 ? lastFour() : "••••",
      account: accountKind(),
    };
    document.querySelectorAll("#mandate [data-typed]").forEach((place) => {
      place.textContent = words[place.dataset.typed];
    });
  }

  function bankDetails() {
    const owner = form.querySelector("[data-owner]:checked").value;
    const name = typed("holder").split(/\s+/);
    const details = {
      accountNumber: compact("account"),
      routingNumber: typed("routing"),
      accountType: accountKind(),
      ownershipType: owner,
      billingAddress: {
        streetAddress: typed("bank-street"),
        locality: typed("bank-city"),
        region: typed("bank-state").toUpperCase(),
        postalCode: typed("bank-zip"),
      },
    };
    if (owner === "business") return { ...details, businessName: typed("holder") };
    const lastName = name.pop();
    return { ...details, firstName: name.join(" ") || lastName, lastName };
  }

  function tokenize() {
    if (!isSepa) {
      const mandateText = byId("mandate").textContent.trim();
      return component.tokenize({ bankDetails: bankDetails(), mandateText });
    }
    byId("bank-popup").hidden = false;
    return component.tokenize({
      accountHolderName: typed("holder"),
      iban: compact("iban"),
      customerId: form.dataset.customer,
      countryCode: compact("iban").slice(0, 2),
      mandateType: "RECURRENT",
      merchantAccountId: form.dataset.merchantAccount,
    });
  }

  function explain(error) {
    const said = {
      SEPA_CUSTOMER_CANCELED: "You did not approve the mandate.",
      SEPA_CREATE_MANDATE_FAILED: "The payment company did not accept this account. Please check the IBAN.",
      US_BANK_ACCOUNT_TOKENIZATION_NETWORK_ERROR: "The payment company can’t be reached. Please try again in a moment.",
    }[error.code];
    byId("bank-problem").textContent = `${said || "The account was not accepted. Please check what you typed."} Nothing was saved.`;
  }

  async function submit(event) {
    event.preventDefault();
    if (busy || !component || !complete()) return;
    byId("bank-problem").textContent = "";
    fillMandate();
    showBusy(true);
    try {
      const payload = await tokenize();
      form.elements.nonce.value = payload.nonce;
      form.elements.last_four.value = lastFour();
      // The button stays busy: from here on only the next page may say how it ended.
      form.submit();
    } catch (error) {
      showBusy(false);
      explain(error);
    } finally {
      byId("bank-popup").hidden = true;
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
    const kind = isSepa ? "sepa" : "usBankAccount";
    if (givenUp) return;
    if (!window.braintree || !window.braintree.client || !window.braintree[kind]) {
      impossible();
      return;
    }
    try {
      const client = await window.braintree.client.create({ authorization: await authorization() });
      component = await window.braintree[kind].create({ client });
    } catch {
      impossible();
      return;
    }
    if (givenUp) return;
    window.clearTimeout(overdue);
    byId("bank-loading").hidden = true;
    form.hidden = false;
    fillMandate();
    form.addEventListener("input", fillMandate);
    Object.keys(RULES).forEach((id) => {
      byId(id).addEventListener("change", () => tell(id));
    });
    form.addEventListener("submit", submit);
  }

  // A page taken out of the browser's memory holds a used account.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });

  byId("bank-without-script").hidden = true;
  byId("bank-loading").hidden = false;
  overdue = window.setTimeout(impossible, PATIENCE_MS);
  // Only then have the payment company's scripts been run, or failed to come.
  document.addEventListener("DOMContentLoaded", start, { once: true });
})();
