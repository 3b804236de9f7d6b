// The payment company's card fields on a page of the office. What is typed into them never comes
// here; this script only learns whether it is complete, and gets a nonce for it.
(() => {
  "use strict";

  const PATIENCE_MS = 25000;
  const PLACES = { number: "card-number", expirationDate: "card-expiry", cvv: "card-code" };
  const SENTENCES = {
    number: ["Enter the card number.", "Check the card number."],
    expirationDate: ["Enter the expiry date.", "Check the expiry date."],
    cvv: ["Enter the security code.", "Check the security code."],
  };

  const byId = (id) => document.getElementById(id);
  let fields = null;
  let begun = false;
  let givenUp = false;

  function impossible() {
    givenUp = true;
    fields = null;
    byId("card-fields").hidden = true;
    byId("card-loading").hidden = true;
    byId("card-impossible").hidden = false;
  }

  function mark(name, state) {
    const wrong = !state.isFocused && (!state.isPotentiallyValid || (!state.isEmpty && !state.isValid));
    byId(PLACES[name]).classList.toggle("is-wrong", wrong);
    byId(PLACES[name]).classList.toggle("is-focused", state.isFocused);
    byId(`${PLACES[name]}-problem`).textContent = wrong ? SENTENCES[name][1] : "";
  }

  function complete() {
    return fields !== null && Object.values(fields.getState().fields).every((field) => field.isValid);
  }

  async function authorization(address) {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error("no authorization");
    return (await answer.json()).authorization;
  }

  async function create(address) {
    const client = await window.braintree.client.create({ authorization: await authorization(address) });
    byId("card-fields").hidden = false;
    return window.braintree.hostedFields.create({
      client,
      styles: {
        input: { "font-size": "15px", "font-family": "system-ui, sans-serif", color: "#1a2022" },
        "::placeholder": { color: "#7c878b" },
        ".invalid": { color: "#b3261e" },
      },
      fields: {
        number: { container: "#card-number", placeholder: "1234 1234 1234 1234" },
        expirationDate: { container: "#card-expiry", placeholder: "MM / YY" },
        cvv: { container: "#card-code", placeholder: "123" },
      },
    });
  }

  // Open the fields once; changed() is called whenever they may have become complete or incomplete.
  async function open(address, changed, enter) {
    if (begun) return;
    begun = true;
    byId("card-without-script").hidden = true;
    byId("card-loading").hidden = false;
    const overdue = window.setTimeout(impossible, PATIENCE_MS);
    try {
      const made = await create(address);
      if (givenUp) return;
      fields = made;
    } catch {
      impossible();
      return;
    } finally {
      window.clearTimeout(overdue);
    }
    byId("card-loading").hidden = true;
    ["focus", "blur", "validityChange", "empty", "notEmpty"].forEach((name) => {
      fields.on(name, (event) => {
        mark(event.emittedBy, event.fields[event.emittedBy]);
        changed();
      });
    });
    fields.on("inputSubmitRequest", enter);
    changed();
  }

  function explain(error) {
    const unreachable = error.code === "HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR";
    return unreachable
      ? "The payment company can’t be reached. Nothing was charged. Try again in a moment."
      : "The card details were not accepted. Nothing was charged. Check them and try again.";
  }

  window.counterCard = { open, complete, explain, nonce: async () => (await fields.tokenize()).nonce };
})();
