// Card brands: how their numbers begin, how long they are, how they are grouped.
// Ranges are the published issuer prefixes; the words are those of Braintree's client.

const FOUR_BY_FOUR = [4, 8, 12];

const BRANDS = [
  brand("visa", "Visa", ["4"], [16, 18, 19], "CVV"),
  brand("master-card", "Mastercard", ["51-55", "2221-2720"], [16], "CVC"),
  brand("american-express", "American Express", ["34", "37"], [15], "CID", [4, 10], 4),
  brand("diners-club", "Diners Club", ["300-305", "36", "38-39"], [14, 16, 19], "CVV", [4, 10]),
  brand("discover", "Discover", ["6011", "644-649", "65"], [16, 19], "CID"),
  brand("jcb", "JCB", ["2131", "1800", "3528-3589"], [16, 17, 18, 19], "CVV"),
  brand("unionpay", "UnionPay", ["620-629", "810-817"], [14, 15, 16, 17, 18, 19], "CVN"),
  brand("maestro", "Maestro", ["50", "56-59", "6"], [12, 13, 14, 15, 16, 17, 18, 19], "CVC"),
];

function brand(type, niceType, prefixes, lengths, codeName, gaps = FOUR_BY_FOUR, codeSize = 3) {
  const ranges = prefixes.map((prefix) => {
    const [low, high = low] = prefix.split("-");
    return { low, high };
  });
  return { type, niceType, ranges, lengths, gaps, code: { name: codeName, size: codeSize } };
}

/** The brands a number can still belong to; every brand for an empty one. */
export function brandsOf(digits) {
  const matches = BRANDS.map((candidate) => ({ candidate, strength: strength(candidate, digits) }))
    .filter((match) => match.strength >= 0);
  const decided = matches.length > 0 && matches.every((match) => match.strength > 0);
  const best = Math.max(...matches.map((match) => match.strength));
  return matches
    .filter((match) => !decided || match.strength === best)
    .map((match) => match.candidate);
}

/** The length of the longest prefix wholly matched, 0 when more digits could decide, -1 for none. */
function strength(candidate, digits) {
  let longest = -1;
  for (const { low, high } of candidate.ranges) {
    const length = Math.min(low.length, digits.length);
    const start = digits.slice(0, length);
    if (start < low.slice(0, length) || start > high.slice(0, length)) continue;
    longest = Math.max(longest, length === low.length ? length : 0);
  }
  return longest;
}

/** A brand as events show it to the merchant page. */
export function publicBrand({ type, niceType, lengths, gaps, code }, isSupported) {
  return { type, niceType, lengths, gaps, code, supported: isSupported };
}

export function luhnIsValid(digits) {
  let sum = 0;
  [...digits].reverse().forEach((digit, index) => {
    const value = Number(digit) * (index % 2 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  });
  return sum % 10 === 0;
}

/** A number in its brand's groups. */
export function grouped(digits, gaps) {
  const cuts = [0, ...gaps.filter((gap) => gap < digits.length), digits.length];
  return cuts.slice(1).map((cut, index) => digits.slice(cuts[index], cut)).join(" ");
}
