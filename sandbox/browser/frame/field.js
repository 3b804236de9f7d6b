// One field: what was typed, whether it is right, and which events that makes.

import { brandsOf, publicBrand } from "./cards.js";
import { createControl, fillOptions, showKeepingCaret } from "./control.js";
import { RULES } from "./rules.js";

const ATTRIBUTES = ["aria-invalid", "aria-required", "disabled", "placeholder"];
const MASK = "\u2022";

export class Field {
  #key;
  #options;
  #rule;
  #control;
  #report;
  #value = "";
  #codeSizes = [3, 4];
  #isFocused = false;
  #isLeft = false;
  #last;

  /** `report` is called with {key, value, state, cards, events} whenever something changes. */
  constructor(form, key, configuration, report) {
    this.#key = key;
    this.#options = configuration.fields[key];
    this.#rule = RULES[key];
    this.#report = report;
    this.#control = createControl(form, key, this.#options);
    this.#control.addEventListener("input", (event) => this.#typed(event));
    this.#control.addEventListener("focus", () => this.#focusChanged(true));
    this.#control.addEventListener("blur", () => this.#focusChanged(false));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#publish(["inputSubmitRequest"]);
    });
    this.#last = this.#state();
    this.#setValue(String(this.#options.prefill ?? ""));
  }

  focus() {
    this.#control.focus();
  }

  clear() {
    this.#isLeft = false;
    this.#setValue("");
  }

  /** The brand decides how long a security code is. */
  useCards(cards) {
    if (this.#key !== "cvv" || cards.length === 0) return;
    this.#codeSizes = [...new Set(cards.map((card) => card.code.size))];
    this.#changed();
  }

  setAttribute(name, value) {
    if (!ATTRIBUTES.includes(name)) return;
    const isOff = name === "disabled" && String(value) === "false";
    if (isOff) this.#control.removeAttribute(name);
    else this.#control.setAttribute(name, value);
  }

  removeAttribute(name) {
    if (ATTRIBUTES.includes(name)) this.#control.removeAttribute(name);
  }

  addClass(name) {
    this.#control.classList.add(name);
  }

  removeClass(name) {
    this.#control.classList.remove(name);
  }

  setMessage(message) {
    document.getElementById("message").textContent = message;
  }

  setMonthOptions(texts) {
    fillOptions(this.#control, this.#key, texts, this.#options.placeholder);
  }

  #typed(event) {
    const isDeleting = String(event.inputType).startsWith("delete");
    this.#value = this.#rule.clean(this.#control.value, { ...this.#context(), isDeleting });
    if (this.#control.tagName === "INPUT") {
      showKeepingCaret(this.#control, this.#shown(), isDeleting);
    }
    this.#isLeft = false;
    this.#changed();
  }

  #setValue(text) {
    this.#value = this.#rule.clean(text, this.#context());
    this.#control.value = this.#isFocused ? this.#shown() : this.#masked();
    this.#changed();
  }

  #focusChanged(isFocused) {
    this.#isFocused = isFocused;
    this.#isLeft ||= !isFocused;
    if (this.#options.maskInput) {
      this.#control.value = isFocused ? this.#shown() : this.#masked();
    }
    this.#changed([isFocused ? "focus" : "blur"]);
  }

  #shown() {
    return this.#options.formatInput === false ? this.#value : this.#rule.show(this.#value);
  }

  #masked() {
    const { maskInput } = this.#options;
    if (!maskInput) return this.#shown();
    const shown = this.#shown();
    const kept = maskInput.showLastFour ? 4 : 0;
    const masked = shown.slice(0, shown.length - kept).replace(/\d/g, maskInput.character ?? MASK);
    return masked + shown.slice(shown.length - kept);
  }

  #context() {
    return {
      options: this.#options,
      codeSizes: this.#codeSizes,
      isSupported: (card) => this.#isSupported(card),
    };
  }

  #isSupported(card) {
    return this.#options.supportedCardBrands?.[card.type.replace("-card", "card")] ?? true;
  }

  // Unfinished is fine while typing and wrong once the person has moved on.
  #state() {
    const isEmpty = this.#value === "";
    const judged = this.#rule.judge(this.#value, this.#context());
    const isValid = !isEmpty && judged.isValid;
    const isPotentiallyValid = isEmpty || (this.#isLeft ? isValid : judged.isPotentiallyValid);
    return { isEmpty, isValid, isPotentiallyValid, isFocused: this.#isFocused };
  }

  #cards() {
    if (this.#key !== "number") return undefined;
    return brandsOf(this.#value).map((card) => publicBrand(card, this.#isSupported(card)));
  }

  #changed(events = []) {
    const before = this.#last;
    const after = { ...this.#state(), types: this.#cards()?.map((card) => card.type).join() };
    const isJudgedAnew =
      after.isValid !== before.isValid || after.isPotentiallyValid !== before.isPotentiallyValid;
    if (after.isEmpty !== before.isEmpty) events.push(after.isEmpty ? "empty" : "notEmpty");
    if (after.types !== before.types && before.types !== undefined) events.push("cardTypeChange");
    if (isJudgedAnew) {
      events.push("validityChange");
      this.#control.setAttribute("aria-invalid", String(!after.isPotentiallyValid));
    }
    this.#control.classList.toggle("valid", after.isValid);
    this.#control.classList.toggle("invalid", !after.isPotentiallyValid);
    this.#last = after;
    this.#publish(events);
  }

  #publish(events) {
    this.#report({
      key: this.#key,
      value: this.#value,
      state: this.#state(),
      cards: this.#cards(),
      events,
    });
  }
}
