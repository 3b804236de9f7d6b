/* Keys and small comforts of the panel. Every page works without this file. */
(() => {
  "use strict";

  const typing = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;
  const rows = () => [...document.querySelectorAll("main .grid tbody tr")];
  const openOf = (row) => row.querySelector(".eye a, a.name");

  function move(step) {
    const links = rows().map(openOf).filter(Boolean);
    if (links.length === 0) return;
    const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
    const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step;
    links[Math.max(0, Math.min(links.length - 1, next))].focus();
  }

  const KEYS = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

  // A long menu scrolls by itself: show where one is.
  document.querySelector(".side-items [aria-current]")?.scrollIntoView({ block: "nearest" });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = document.querySelector("details.drop[open]");
      if (open) {
        open.open = false;
        open.querySelector("summary").focus();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
      return;
    }
    const arrow = event.key.startsWith("Arrow");
    const inRows = document.activeElement.closest(".grid tbody") !== null;
    if (event.key in KEYS && (!arrow || inRows)) {
      event.preventDefault();
      move(KEYS[event.key]);
    }
  });

  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.drop[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
    const row = event.target.closest(".grid tbody tr");
    if (!row || event.target.closest("a, button, input, .pick") || !getSelection().isCollapsed) return;
    const link = openOf(row);
    if (link) link.click();
  });

  function ask(question, proceed) {
    const dialog = document.createElement("dialog");
    dialog.className = "ask";
    const words = document.createElement("p");
    words.textContent = question;
    const buttons = document.createElement("div");
    for (const [text, style, value] of [["Cancel", "button", ""], ["Yes", "button strong", "yes"]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.className = style;
      button.addEventListener("click", () => dialog.close(value));
      buttons.append(button);
    }
    dialog.append(words, buttons);
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "yes") proceed();
    });
    document.body.append(dialog);
    dialog.showModal();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.confirm && !form.dataset.confirmed) {
      event.preventDefault();
      ask(form.dataset.confirm, () => {
        form.dataset.confirmed = "yes";
        form.requestSubmit();
      });
      return;
    }
    // What only fills a frame of this page leaves the form to be sent afterwards.
    if (event.submitter && event.submitter.formTarget) return;
    // Asked by attribute: a field that is called "method" hides the property of that name.
    if (form.getAttribute("method") === "post") {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    } else {
      // Empty filters stay out of the address.
      for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
    }
  });

  const wrong = document.querySelector(".wrong :is(input:not([type=hidden]), select, textarea)");
  if (wrong) wrong.focus();

  // Only a page that comes back out of the browser's memory: the event of a page that is still
  // loading would let a second click send its form once more.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.forms) {
      delete form.dataset.sent;
      for (const field of form.elements) if (!field.value) field.disabled = false;
    }
  });
})();
