// The whole form, kept by one of the frames: it hears every field's changes in order, tells the
// merchant page about them (never what was typed), and makes a nonce when the page asks for one.

import { brandsOf, publicBrand } from "./cards.js";
import { tokenize, unanswered } from "./tokenize.js";

const EMPTY = { isEmpty: true, isValid: false, isPotentiallyValid: true, isFocused: false };

export class CardForm {
  #bus;
  #binLength;
  #values = {};
  #states = {};
  #cards = brandsOf("").map((card) => publicBrand(card, true));
  #hasBegun = false;
  #bin = "";

  constructor(bus, configuration) {
    this.#bus = bus;
    this.#binLength = configuration.binVerificationLength ?? 6;
    Object.keys(configuration.fields).forEach((key) => {
      this.#values[key] = "";
      this.#states[key] = { ...EMPTY };
    });
    bus.on("TOKENIZATION_REQUEST", (options, reply) => this.#tokenize(options, reply));
  }

  record({ key, value, state, cards, events }) {
    this.#values[key] = value;
    this.#states[key] = state;
    this.#cards = cards ?? this.#cards;
    this.#announceBeginning(value);
    events.forEach((type) => this.#announce(type, key));
    if (key === "number") this.#announceBin(value, state);
  }

  #announce(type, emittedBy) {
    const merchantPayload = { cards: this.#cards, emittedBy, fields: this.#states };
    this.#bus.emit("INPUT_EVENT", { type, merchantPayload });
  }

  #announceBeginning(value) {
    if (this.#hasBegun || value === "") return;
    this.#hasBegun = true;
    this.#bus.emit("CARD_FORM_ENTRY_HAS_BEGUN");
  }

  #announceBin(number, state) {
    const isKnown = number.length >= this.#binLength && state.isPotentiallyValid;
    const bin = isKnown ? number.slice(0, this.#binLength) : "";
    if (bin !== "" && bin !== this.#bin) this.#bus.emit("BIN_AVAILABLE", bin);
    this.#bin = bin;
  }

  async #tokenize(options, reply) {
    try {
      reply([null, await tokenize(this.#values, this.#states, options ?? {}, this.#client())]);
    } catch (problem) {
      reply([problem.code ? problem : unanswered(problem)]);
    }
  }

  #client() {
    return new Promise((resolve) => this.#bus.emit("READY_FOR_CLIENT", undefined, resolve));
  }
}
