// Reload when mail has come, but not under the hands of somebody who is searching or reading.
const { newest, news } = document.body.dataset;
const search = document.querySelector("#q");
const notice = document.createElement("a");
notice.className = "notice";
notice.textContent = "New mail";

async function look() {
  let now;
  try {
    now = (await (await fetch(news)).json()).newest;
  } catch {
    return;
  }
  if (now === newest) return;
  const busy = document.activeElement === search || document.body.classList.contains("reading");
  if (!busy) return location.reload();
  notice.href = now ? `/mail/${now}` : "/";
  document.querySelector(".list").prepend(notice);
}

setInterval(look, 2000);
