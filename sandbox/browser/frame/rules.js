// What each kind of field accepts. A rule turns typed text into a clean value, shows it,
// and judges it: `isValid`, and `isPotentiallyValid` while more typing could still make it so.

import { brandsOf, grouped, luhnIsValid } from "./cards.js";

const FURTHEST_YEARS = 19;
const LONGEST_NAME = 255;

const digitsOf = (text) => text.replace(/\D/g, "");
const verdict = (isValid, isPotentiallyValid) => ({ isValid, isPotentiallyValid });

const number = {
  clean: (text, { options }) => {
    const digits = digitsOf(text);
    const longest = Math.max(19, ...brandsOf(digits).flatMap((card) => card.lengths));
    return digits.slice(0, Math.min(longest, options.maxCardLength ?? longest));
  },
  show: (digits) => grouped(digits, brandsOf(digits)[0]?.gaps ?? [4, 8, 12]),
  judge: (digits, { options, isSupported }) => {
    const cards = brandsOf(digits);
    if (cards.length === 0) return verdict(false, false);
    if (cards.length > 1) return verdict(false, true);
    const [card] = cards;
    if (options.rejectUnsupportedCards && !isSupported(card)) return verdict(false, false);
    const longest = Math.min(Math.max(...card.lengths), options.maxCardLength ?? 19);
    const isValid = card.lengths.includes(digits.length) && luhnIsValid(digits);
    return verdict(isValid, isValid || digits.length < longest);
  },
};

const cvv = {
  clean: (text, { codeSizes }) => digitsOf(text).slice(0, Math.max(...codeSizes)),
  show: (digits) => digits,
  judge: (digits, { codeSizes }) => {
    const isValid = codeSizes.includes(digits.length);
    return verdict(isValid, digits.length <= Math.max(...codeSizes));
  },
};

const expirationDate = {
  clean: (text, { isDeleting }) => {
    const [month, year] = splitDate(text, isDeleting);
    const showsYear = year || (month.length === 2 && !isDeleting);
    return showsYear ? `${month} / ${year}` : month;
  },
  show: (date) => date,
  judge: (date) => {
    const [month, year] = date.split(" / ");
    const monthVerdict = judgeMonth(month);
    const yearVerdict = judgeYear(year ?? "");
    const isPossible = monthVerdict.isPotentiallyValid && yearVerdict.isPotentiallyValid;
    const isComplete = monthVerdict.isValid && yearVerdict.isValid;
    if (!isComplete) return verdict(false, isPossible);
    const isValid = isInFuture(month, year);
    return verdict(isValid, isValid);
  },
};

const expirationMonth = {
  clean: (text) => digitsOf(text).slice(0, 2),
  show: (digits) => digits,
  judge: judgeMonth,
};

const expirationYear = {
  clean: (text) => digitsOf(text).slice(0, 4),
  show: (digits) => digits,
  judge: judgeYear,
};

const postalCode = {
  clean: (text, { options }) => text.trimStart().slice(0, options.maxlength ?? 8),
  show: (text) => text,
  judge: (text, { options }) => verdict(text.trim().length >= (options.minlength ?? 3), true),
};

// A name that is only digits is a card number typed into the wrong field.
const cardholderName = {
  clean: (text, { options }) => text.slice(0, options.maxlength ?? LONGEST_NAME),
  show: (text) => text,
  judge: (text) => {
    const isName = text.trim() !== "" && !/^[\d\s-]+$/.test(text);
    return verdict(isName, isName || text.length < 8);
  },
};

export const RULES = {
  number,
  cvv,
  expirationDate,
  expirationMonth,
  expirationYear,
  postalCode,
  cardholderName,
};

/** The month and the four-digit year of a "MM / YY" or "MM / YYYY" value. */
export function monthAndYear(date) {
  const [month = "", year = ""] = date.split(" / ");
  return [month, fullYear(year)];
}

export function fullYear(year) {
  return year.length === 2 ? `20${year}` : year;
}

/** Whether a card with this expiry can still be charged, and plausibly exists. */
export function isInFuture(month, year) {
  const today = new Date();
  const monthsLeft =
    Number(fullYear(year)) * 12 + Number(month) - (today.getFullYear() * 12 + today.getMonth() + 1);
  return monthsLeft >= 0 && monthsLeft <= FURTHEST_YEARS * 12;
}

function judgeMonth(text) {
  const isValid = /^(0?[1-9]|1[0-2])$/.test(text);
  return verdict(isValid, isValid || text === "" || text === "0");
}

function judgeYear(text) {
  const isFull = text.length === 2 || text.length === 4;
  const thisYear = new Date().getFullYear();
  const year = Number(fullYear(text));
  const isNear = year >= thisYear && year <= thisYear + FURTHEST_YEARS;
  const isUnfinished = text.length < 2 || /^20\d?$/.test(text);
  return verdict(isFull && isNear, isUnfinished || (isFull && isNear));
}

function splitDate(text, isDeleting) {
  if (text.includes("/")) {
    const [month, year] = text.split("/").map(digitsOf);
    const isAlone = month.length === 1 && !isDeleting;
    return [isAlone ? month.padStart(2, "0") : month.slice(0, 2), year.slice(0, 4)];
  }
  const typed = digitsOf(text);
  const digits = /^[2-9]/.test(typed) ? `0${typed}` : typed;
  return [digits.slice(0, 2), digits.slice(2, 6)];
}
