// Asks now and then how the invoice stands, and opens the page anew once that has changed.
(() => {
  "use strict";

  const place = document.querySelector("[data-wait]");
  if (!place) return;
  const LONGEST_MS = 30000;
  let pause = 2500;

  async function ask() {
    try {
      const answer = await fetch(place.dataset.wait, {
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        cache: "no-store",
      });
      if (answer.ok && (await answer.json()).standing !== place.dataset.standing) {
        window.location.reload();
        return;
      }
    } catch {
      // No connection just now; the next round asks again.
    }
    pause = Math.min(pause * 1.4, LONGEST_MS);
    window.setTimeout(ask, pause);
  }

  window.setTimeout(ask, pause);
})();
