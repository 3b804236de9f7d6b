/* Turns <input data-lookup> into a field that finds records while one types. */
(() => {
  "use strict";

  let count = 0;

  function enhance(input) {
    const id = `lookup-${(count += 1)}`;
    const box = document.createElement("div");
    box.className = "lookup";
    const value = document.createElement("input");
    value.type = "hidden";
    value.name = input.dataset.name;
    value.value = input.dataset.value;
    const list = document.createElement("ul");
    list.id = id;
    list.className = "lookup-list";
    list.role = "listbox";
    list.hidden = true;
    // What is typed counts only where words may stand for a record; the hidden field carries both.
    input.removeAttribute("name");
    input.replaceWith(box);
    box.append(input, value, list);
    input.role = "combobox";
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", id);
    input.setAttribute("aria-expanded", "false");

    let shown = input.value;
    let at = -1;
    let asked = 0;
    let timer;

    function close() {
      list.hidden = true;
      at = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    function choose(option) {
      value.value = option.dataset.id;
      shown = input.value = option.textContent;
      // An answer still on its way would open the list again.
      clearTimeout(timer);
      asked += 1;
      close();
    }

    function mark(index) {
      const options = [...list.querySelectorAll("[role=option]")];
      if (options.length === 0) return;
      at = (index + options.length) % options.length;
      options.forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
      options[at].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", options[at].id);
    }

    function fill(found) {
      list.replaceChildren();
      for (const [index, each] of found.entries()) {
        const option = document.createElement("li");
        option.id = `${id}-${index}`;
        option.role = "option";
        option.dataset.id = each.id;
        option.textContent = each.text;
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          choose(option);
        });
        list.append(option);
      }
      if (found.length === 0) {
        const none = document.createElement("li");
        none.className = "quiet";
        none.textContent = "Nothing found";
        list.append(none);
      }
      list.hidden = false;
      at = -1;
      input.setAttribute("aria-expanded", "true");
    }

    async function search() {
      const mine = (asked += 1);
      const query = input.value === shown ? "" : input.value;
      const answer = await fetch(`${input.dataset.lookup}?q=${encodeURIComponent(query)}`);
      if (answer.ok && mine === asked && document.activeElement === input) fill(await answer.json());
    }

    input.addEventListener("focus", search);
    input.addEventListener("input", () => {
      value.value = "free" in input.dataset ? input.value.trim() : "";
      clearTimeout(timer);
      timer = setTimeout(search, 150);
    });
    input.addEventListener("blur", () => {
      close();
      if (input.value.trim() === "") {
        value.value = shown = "";
      } else if (value.value === "" && input.value === shown) {
        value.value = input.dataset.value;
      }
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) search();
        else mark(at + (event.key === "ArrowDown" ? 1 : -1));
      } else if (event.key === "Enter" && at >= 0) {
        event.preventDefault();
        choose(list.querySelectorAll("[role=option]")[at]);
      } else if (event.key === "Escape" && !list.hidden) {
        event.stopPropagation();
        close();
      }
    });
  }

  for (const input of document.querySelectorAll("input[data-lookup]")) enhance(input);
})();
