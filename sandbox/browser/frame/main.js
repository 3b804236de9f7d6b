// One frame holds one field. The frame's name says which, its fragment which form it belongs to.
// The merchant page sends the form's configuration to the first frame only; that one passes it on
// and keeps the form from then on.

import { ParentBus, Siblings } from "./bus.js";
import { CardForm } from "./card-form.js";
import { Field } from "./field.js";
import { applyStyles } from "./styles.js";
import { followTabs } from "./tabbing.js";

const key = window.name.replace("braintree-hosted-field-", "");
const channel = window.location.hash.slice(1);
const bus = new ParentBus(channel);
const siblings = new Siblings(channel);
let cardForm;

const field = new Promise((resolve) => {
  siblings.on("configuration", ({ configuration, origin }) => {
    bus.trust(origin);
    document.title = configuration.fields[key].iframeTitle ?? document.title;
    applyStyles(configuration.styles);
    const share = (report) => siblings.share("report", report);
    resolve(new Field(document.getElementById("form"), key, configuration, share));
  });
});

siblings.on("report", (report) => {
  cardForm?.record(report);
  if (report.cards) field.then((own) => own.useCards(report.cards));
});

/** Let the merchant page's `command` for this field act on it, once it is there. */
function obey(command, act) {
  bus.on(command, (data, reply) => {
    if (data?.field && data.field !== key) return;
    field.then((own) => act(own, data, reply));
  });
}

obey("TRIGGER_INPUT_FOCUS", (own) => own.focus());
obey("CLEAR_FIELD", (own) => own.clear());
obey("SET_ATTRIBUTE", (own, { attribute, value }) => own.setAttribute(attribute, value));
obey("REMOVE_ATTRIBUTE", (own, { attribute }) => own.removeAttribute(attribute));
obey("ADD_CLASS", (own, { classname }) => own.addClass(classname));
obey("REMOVE_CLASS", (own, { classname }) => own.removeClass(classname));
obey("SET_MESSAGE", (own, { message }) => own.setMessage(message));
if (key === "expirationMonth") {
  obey("SET_MONTH_OPTIONS", (own, texts, reply) => {
    own.setMonthOptions(texts);
    reply();
  });
}

followTabs(bus, key, channel);

bus.emit("FRAME_READY", { field: key }, (configuration, origin) => {
  cardForm = new CardForm(bus, configuration);
  siblings.share("configuration", { configuration, origin });
});
