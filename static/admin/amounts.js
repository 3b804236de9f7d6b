// Amounts as the server reads them: it hands its grammar over (billing/typed_numbers.py), so a
// button never names another amount than the one that would be taken.
(() => {
  "use strict";

  // ``place`` carries the grammar. Returns how amounts are read and written there.
  window.typedAmounts = (place) => {
    const way = JSON.parse(place.dataset.amounts);
    const written = new Intl.NumberFormat(way.locale, {
      style: "currency",
      currency: way.currency,
      minimumFractionDigits: way.places,
      maximumFractionDigits: way.places,
      numberingSystem: "latn",
    });
    const matches = (shape, text) => shape !== "" && new RegExp(`^(?:${shape})$`).test(text);

    function unsigned(text) {
      const before = way.signs.find((sign) => text.startsWith(sign)) || "";
      const rest = text.slice(before.length).trim();
      const after = way.signs.find((sign) => rest.endsWith(sign)) || "";
      return rest.slice(0, rest.length - after.length).trim();
    }

    function parts(text) {
      if (matches(way.doubtful, text)) return null;
      if (matches(way.shape, text)) return text.split(way.point);
      return matches(way.pointed, text) ? text.split(".") : null;
    }

    return {
      // Whole minor units, or null for what is no amount; the server judges it again.
      minor(text) {
        const typed = text.trim();
        if (typed.length > way.longest) return null;
        const plain = [...typed].map((each) => way.spelling[each] ?? each).join("");
        const found = parts(unsigned(plain.trim().toLowerCase()));
        if (!found) return null;
        const [whole, decimals = ""] = found;
        if (decimals.length > way.places) return null;
        const units = Number(whole.replace(/[^0-9]/g, "") + decimals.padEnd(way.places, "0"));
        return units > way.most ? null : units;
      },
      inWords: (units) => written.format(units / 10 ** way.places),
    };
  };
})();
