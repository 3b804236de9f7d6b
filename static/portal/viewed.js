// Tells the office that somebody really looked at the invoice, not a browser that fetched ahead.
(() => {
  "use strict";

  const address = document.getElementById("viewed").dataset.url;
  const token = document.querySelector('meta[name="csrf-token"]').content;

  function tell() {
    fetch(address, {
      method: "POST",
      headers: { "X-CSRFToken": token },
      credentials: "same-origin",
      keepalive: true,
    }).catch(() => {});
  }

  if (document.prerendering) {
    document.addEventListener("prerenderingchange", tell, { once: true });
  } else {
    tell();
  }
})();
