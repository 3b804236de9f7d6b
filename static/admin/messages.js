// Keeps the bar of a message that is being sent fresh, and opens the page anew once it has ended.
(() => {
  "use strict";

  const place = document.querySelector("[data-progress]");
  if (!place) return;
  const EVERY_MS = 2000;

  function show(now) {
    const bar = place.querySelector("progress");
    bar.max = now.all || 1;
    bar.value = now.done;
    place.querySelector("[data-percent]").textContent = `${now.percent} %`;
    place.querySelector("[data-words]").textContent = now.words;
    const trouble = place.querySelector("[data-trouble]");
    trouble.textContent = now.trouble;
    trouble.hidden = !now.trouble;
  }

  async function ask() {
    try {
      const answer = await fetch(place.dataset.progress, {
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        cache: "no-store",
      });
      // Signed out meanwhile: the page itself asks to sign in.
      if (answer.redirected || answer.status === 403 || answer.status === 404) {
        window.location.reload();
        return;
      }
      if (answer.ok) {
        const now = await answer.json();
        show(now);
        if (now.state !== place.dataset.state) {
          window.location.reload();
          return;
        }
      }
    } catch {
      // No connection just now; the next round asks again.
    }
    window.setTimeout(ask, EVERY_MS);
  }

  window.setTimeout(ask, EVERY_MS);
})();
