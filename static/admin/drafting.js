// The editor of a draft: rows added, moved and removed in place, and sums that the server works out
// while one types. Without this file the same buttons ask the server for a new page each time.
(() => {
  "use strict";

  const form = document.getElementById("drafting");
  if (!form) return;
  const rows = document.getElementById("rows");
  const empty = document.getElementById("empty-row");
  const offer = document.getElementById("offer");
  const PAUSE_MS = 300;
  let timer;
  let asked = 0;

  const lines = () => [...rows.querySelectorAll("[data-line]")];
  const field = (row, name) => row.querySelector(`[name$="-${name}"]`);
  const isBlank = (row) =>
    [...row.querySelectorAll("input[type=text]")].every((input) => input.value.trim() === "");

  // Names and labels follow the order on the page, which is the order the server reads.
  function number() {
    lines().forEach((row, at) => {
      for (const part of row.querySelectorAll("[id], [for], [aria-describedby]")) {
        for (const name of ["id", "name", "for", "aria-describedby"]) {
          const value = part.getAttribute(name);
          if (value) part.setAttribute(name, value.replace(/^lines-\d+-/, `lines-${at}-`));
        }
      }
      for (const button of row.querySelectorAll("[data-verb]")) {
        button.value = `${button.dataset.verb}-${at}`;
        button.setAttribute(
          "aria-label",
          button.getAttribute("aria-label").replace(/\d+/, String(at + 1)),
        );
      }
    });
  }

  function show(now) {
    lines().forEach((row, at) => {
      row.querySelector("output").textContent = now.lines[at] || "";
    });
    for (const name of ["net", "tax", "total"]) {
      document.getElementById(name).textContent = now[name];
    }
    document.getElementById("doubt").textContent = now.words;
  }

  async function ask() {
    const mine = (asked += 1);
    try {
      const answer = await fetch(form.dataset.preview, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { Accept: "application/json" },
        credentials: "same-origin",
      });
      if (!answer.ok || answer.redirected) throw new Error("no sums");
      const now = await answer.json();
      if (mine === asked) show(now);
    } catch {
      if (mine === asked) {
        document.getElementById("doubt").textContent =
          "The sums can't be worked out just now. What you typed is kept until you leave this page.";
      }
    }
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  }

  function add() {
    const chosen = offer.selectedOptions[0];
    let row = lines().find(isBlank);
    if (!row) {
      row = empty.content.querySelector("[data-line]").cloneNode(true);
      rows.append(row);
    }
    if (chosen && chosen.dataset.row) {
      for (const [name, value] of Object.entries(JSON.parse(chosen.dataset.row))) {
        const input = field(row, name);
        if (input.type === "checkbox") input.checked = true;
        else input.value = value;
      }
    }
    number();
    offer.value = "";
    field(row, chosen && chosen.dataset.row ? "quantity" : "description").focus();
    later();
  }

  function change(row, verb) {
    const at = lines().indexOf(row);
    if (verb === "remove") {
      row.remove();
      if (lines().length === 0) add();
    } else {
      const other = lines()[at + (verb === "up" ? -1 : 1)];
      if (!other) return;
      if (verb === "up") other.before(row);
      else other.after(row);
    }
    number();
    const next = verb === "remove" ? lines()[Math.min(at, lines().length - 1)] : row;
    const wanted = next.querySelector(`[data-verb="${verb}"]`);
    // The first can't move up and the last not down: their buttons are hidden.
    if (getComputedStyle(wanted).visibility === "visible") wanted.focus();
    else next.querySelector('[data-verb="remove"]').focus();
    later();
  }

  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if ("add" in button.dataset) {
      event.preventDefault();
      add();
    } else if (button.dataset.verb) {
      event.preventDefault();
      change(button.closest("[data-line]"), button.dataset.verb);
    }
  });

  // Return in a field works the sums out and saves nothing.
  form.addEventListener("submit", (event) => {
    if (!event.submitter || event.submitter.value !== "work") return;
    event.preventDefault();
    event.stopPropagation();
    clearTimeout(timer);
    ask();
  });

  form.addEventListener("input", (event) => {
    if (event.target !== offer) later();
  });

  // The spare rows are for a page without this file: one is enough, and none below lines.
  const spare = lines().filter(isBlank);
  for (const row of spare.slice(spare.length === lines().length ? 1 : 0)) row.remove();
  number();
})();
