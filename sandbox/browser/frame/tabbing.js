// Firefox and software keyboards don't move between frames by Tab on their own. There the merchant
// page keeps a tiny input on either side of each frame, and moves the focus when it is told to.

const NEEDS_HELP = /firefox|fxios|android|cros|iphone|ipad|ipod/i.test(navigator.userAgent);

export function followTabs(bus, key, channel) {
  if (!NEEDS_HELP) return;
  const neighbours = new Set(["before", "after"]);

  // Nothing stands before a form's first field and after its last one.
  bus.on("REMOVE_FOCUS_INTERCEPTS", (data) => {
    neighbours.forEach((direction) => {
      const id = `bt-${key}-${direction}-${channel}`;
      if (!data?.id || data.id === id) neighbours.delete(direction);
    });
  });

  document.addEventListener("keydown", (event) => {
    const direction = event.shiftKey ? "before" : "after";
    if (event.key !== "Tab" || !neighbours.has(direction)) return;
    event.preventDefault();
    bus.emit("TRIGGER_FOCUS_CHANGE", { field: key, direction });
  });
}
