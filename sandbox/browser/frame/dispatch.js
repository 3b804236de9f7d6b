// A hidden frame beside the merchant's page. The popup is the sandbox's too, so it may speak to
// this frame, and this frame to the page; its name says which of several popups it belongs to.

import { ParentBus } from "./bus.js";

const bus = new ParentBus(window.name.replace("dispatch_", ""), "frameService:");

/** Called by the popup when the customer is back. */
window.report = (payload) => {
  bus.emit("DISPATCH_FRAME_REPORT", { err: null, payload });
};

bus.emit("DISPATCH_FRAME_READY");
