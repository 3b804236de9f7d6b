// The input (or select) of one field: its label, its hints to keyboards and password managers,
// and keeping the caret where the person typing expects it.

const KINDS = {
  number: ["credit-card-number", "Credit Card Number", "cc-number", "numeric"],
  cvv: ["cvv", "CVV", "cc-csc", "numeric"],
  expirationDate: ["expiration", "Expiration Date", "cc-exp", "numeric"],
  expirationMonth: ["expiration-month", "Expiration Month", "cc-exp-month", "numeric"],
  expirationYear: ["expiration-year", "Expiration Year", "cc-exp-year", "numeric"],
  postalCode: ["postal-code", "Postal Code", "billing postal-code", "text"],
  cardholderName: ["cardholder-name", "Cardholder Name", "cc-name", "text"],
};
const SELECTABLE = ["expirationMonth", "expirationYear"];
const TYPES = ["text", "tel", "password"];
const YEARS_OFFERED = 20;

/** Build the control for `key` into `form`. */
export function createControl(form, key, options) {
  const [id, label, autocomplete, inputMode] = KINDS[key];
  const isSelect = Boolean(options.select) && SELECTABLE.includes(key);
  const control = document.createElement(isSelect ? "select" : "input");
  if (isSelect) {
    fillOptions(control, key, options.select.options, options.placeholder);
  } else {
    control.type = TYPES.includes(options.type) ? options.type : "text";
    control.inputMode = inputMode;
    control.placeholder = options.placeholder ?? "";
    control.spellcheck = false;
    control.setAttribute("autocorrect", "off");
  }
  control.id = control.name = id;
  control.className = key;
  control.autocomplete = autocomplete;
  control.setAttribute("aria-describedby", "message");
  form.append(
    hidden("label", { htmlFor: id, textContent: options.internalLabel ?? label }),
    control,
    hidden("div", { id: "message", ariaLive: "polite" }),
  );
  return control;
}

/** Offer months (with the merchant's `texts`, if any) or the coming years. */
export function fillOptions(control, key, texts, placeholder = "") {
  const chosen = control.value;
  const firstYear = new Date().getFullYear();
  const values =
    key === "expirationMonth"
      ? Array.from({ length: 12 }, (_, index) => String(index + 1).padStart(2, "0"))
      : Array.from({ length: YEARS_OFFERED }, (_, index) => String(firstYear + index));
  control.replaceChildren(
    new Option(placeholder, ""),
    ...values.map((value, index) => new Option(texts?.[index] ?? value, value)),
  );
  control.value = chosen;
}

/** Replace what was typed by `shown`, with the caret after the same digit as before. */
export function showKeepingCaret(control, shown, isDeleting) {
  if (control.value === shown) return;
  const typed = control.value;
  const caret = control.selectionStart ?? typed.length;
  const digitsBefore = typed.slice(0, caret).replace(/\D/g, "").length;
  control.value = shown;
  const place = caret >= typed.length ? shown.length : afterDigits(shown, digitsBefore, isDeleting);
  control.setSelectionRange(place, place);
}

function afterDigits(text, count, isDeleting) {
  let place = 0;
  for (let seen = 0; place < text.length && seen < count; place += 1) {
    if (/\d/.test(text[place])) seen += 1;
  }
  while (!isDeleting && place < text.length && /\D/.test(text[place])) place += 1;
  return place;
}

function hidden(tag, properties) {
  return Object.assign(document.createElement(tag), { className: "hidden-text", ...properties });
}
