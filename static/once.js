// A form goes off once: its buttons rest while the answer is on its way.
(() => {
  "use strict";

  function rest(form) {
    form.setAttribute("aria-busy", "true");
    form.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = true; });
  }

  // Only after the browser has put the pressed button's own value into what it sends.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.target.matches("[data-once]")) return;
    window.setTimeout(rest, 0, event.target);
  });

  // A page taken out of the browser's memory may show what is long over.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && document.querySelector("[data-once]")) window.location.reload();
  });
})();
