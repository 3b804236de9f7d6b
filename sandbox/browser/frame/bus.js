// Messages to and from the merchant page, in the form its framebus library understands:
// a marked JSON string {event, eventData, reply}, where `reply` names the event to answer with.

const MARK = "/*framebus*/";
export class ParentBus {
  #channel;
  #handlers = new Map();
  #namespace;
  #origin = "*";

  constructor(channel, namespace = "hosted-fields:") {
    this.#channel = channel;
    this.#namespace = namespace;
    window.addEventListener("message", (event) => this.#receive(event));
  }

  /** Only the page at `origin` may read what is sent from now on. */
  trust(origin) {
    this.#origin = origin;
  }

  on(name, handler) {
    this.#handlers.set(this.#fullName(name), handler);
  }

  /** Send an event; `answered(data, origin)` runs once if the page replies. */
  emit(name, data, answered) {
    const message = { event: this.#fullName(name), origin: "*", eventData: data };
    if (answered) {
      message.reply = crypto.randomUUID();
      this.#handlers.set(message.reply, (answer, _reply, origin) => {
        this.#handlers.delete(message.reply);
        answered(answer, origin);
      });
    }
    window.parent.postMessage(MARK + JSON.stringify(message), this.#origin);
  }

  #fullName(name) {
    return `${this.#channel}:${this.#namespace}${name}`;
  }

  #receive(event) {
    if (event.source !== window.parent || !String(event.data).startsWith(MARK)) return;
    const message = JSON.parse(event.data.slice(MARK.length));
    const reply = (data) => {
      const answer = { event: message.reply, origin: event.origin, eventData: data };
      event.source.postMessage(MARK + JSON.stringify(answer), event.origin);
    };
    this.#handlers.get(message.event)?.(message.eventData, reply, event.origin);
  }
}

/** Messages between the frames of one card form, which share the sandbox's origin. */
export class Siblings {
  #broadcast;
  #handlers = new Map();

  constructor(channel) {
    this.#broadcast = new BroadcastChannel(`hosted-fields-${channel}`);
    this.#broadcast.addEventListener("message", ({ data }) => {
      this.#handlers.get(data.kind)?.(data.content);
    });
  }

  on(kind, handler) {
    this.#handlers.set(kind, handler);
  }

  /** Tell the other frames, and run this frame's own handler too. */
  share(kind, content) {
    this.#broadcast.postMessage({ kind, content });
    this.#handlers.get(kind)?.(content);
  }
}
