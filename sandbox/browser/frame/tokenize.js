// Card details to nonce. The details go to the sandbox and nowhere else; the merchant page gets
// the nonce, or an error in the form Braintree's client documents.

import { fullYear, isInFuture, monthAndYear } from "./rules.js";

const MUTATION =
  "mutation TokenizeCreditCard($input: TokenizeCreditCardInput!) { " +
  "tokenizeCreditCard(input: $input) { token creditCard { bin brandCode last4 " +
  "cardholderName expirationMonth expirationYear } } }";

const CARD_TYPES = {
  AMERICAN_EXPRESS: "American Express",
  DINERS: "Discover",
  DISCOVER: "Discover",
  INTERNATIONAL_MAESTRO: "Maestro",
  JCB: "JCB",
  MASTERCARD: "MasterCard",
  UNION_PAY: "UnionPay",
  VISA: "Visa",
};

const PROBLEMS = {
  HOSTED_FIELDS_FIELDS_EMPTY: ["CUSTOMER", "All card fields are empty."],
  HOSTED_FIELDS_FIELDS_INVALID: ["CUSTOMER", "Some card fields are not valid."],
  HOSTED_FIELDS_FAILED_TOKENIZATION: ["CUSTOMER", "The gateway refused these card details."],
  HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR: ["NETWORK", "The gateway could not be reached."],
  CLIENT_AUTHORIZATION_INVALID: ["MERCHANT", "The gateway no longer accepts this client token."],
};

/** Resolves to the nonce and what may be shown of the card; rejects with a client error. */
export async function tokenize(values, states, options, clientPromise) {
  const keys = Object.keys(states).filter(
    (key) => options.fieldsToTokenize?.includes(key) ?? true,
  );
  checkFields(keys, values, states);
  const wanted = Object.fromEntries(keys.map((key) => [key, values[key]]));
  const client = await clientPromise;
  const answer = await send(cardFrom(wanted, options), client, options);
  if (answer.errors) throw refusal(answer.errors);
  return described(answer.data.tokenizeCreditCard);
}

function checkFields(keys, values, states) {
  if (keys.every((key) => states[key].isEmpty)) throw problem("HOSTED_FIELDS_FIELDS_EMPTY");
  const invalidFieldKeys = keys.filter((key) => !states[key].isValid);
  const { expirationMonth: month, expirationYear: year } = values;
  if (month && year && invalidFieldKeys.length === 0 && !isInFuture(month, year)) {
    invalidFieldKeys.push("expirationMonth", "expirationYear");
  }
  if (invalidFieldKeys.length > 0) {
    throw problem("HOSTED_FIELDS_FIELDS_INVALID", { invalidFieldKeys });
  }
}

function cardFrom(values, options) {
  const [month, year] = monthAndYear(values.expirationDate ?? "");
  const postalCode = values.postalCode?.trim() ?? options.billingAddress?.postalCode;
  return {
    number: values.number,
    cvv: values.cvv,
    expirationMonth: values.expirationMonth ?? month,
    expirationYear: values.expirationYear === undefined ? year : fullYear(values.expirationYear),
    cardholderName: values.cardholderName?.trim() ?? options.cardholderName,
    billingAddress: { ...options.billingAddress, ...(postalCode && { postalCode }) },
  };
}

async function send(creditCard, client, options) {
  const { authorization, authorizationFingerprint, gatewayConfiguration } = client;
  const validate = options.vault === true || Boolean(authorizationFingerprint);
  const body = {
    operationName: "TokenizeCreditCard",
    query: MUTATION,
    variables: { input: { creditCard, options: { validate } } },
  };
  try {
    const response = await fetch(gatewayConfiguration.graphQL.url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Bearer ${authorizationFingerprint ?? authorization}`,
      },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`The gateway answered ${response.status}.`);
    return await response.json();
  } catch (cause) {
    throw unanswered(cause);
  }
}

/** The error for a gateway that gave no answer one can use. */
export function unanswered(cause) {
  const originalError = { message: cause.message };
  return problem("HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR", { originalError });
}

function refusal(errors) {
  const errorClass = errors[0].extensions?.errorClass;
  if (errorClass === "AUTHENTICATION" || errorClass === "AUTHORIZATION") {
    return problem("CLIENT_AUTHORIZATION_INVALID", { originalError: errors[0] });
  }
  const fieldErrors = errors.map(({ message, extensions }) => ({
    code: extensions?.legacyCode,
    field: extensions?.inputPath?.at(-1),
    message,
  }));
  const answer = {
    error: { message: "Credit card is invalid" },
    fieldErrors: [{ field: "creditCard", fieldErrors }],
  };
  return problem("HOSTED_FIELDS_FAILED_TOKENIZATION", {
    originalError: {
      type: "NETWORK",
      code: "CLIENT_REQUEST_ERROR",
      message: "There was a problem with your request.",
      details: { originalError: answer, httpStatus: 422 },
    },
  });
}

function described({ token, creditCard }) {
  const lastTwo = creditCard.last4.slice(-2);
  return {
    nonce: token,
    type: "CreditCard",
    description: `ending in ${lastTwo}`,
    binData: Object.fromEntries(
      Object.entries(creditCard.binData ?? {}).map(([name, known]) => [name, known ?? "Unknown"]),
    ),
    details: {
      bin: creditCard.bin,
      cardType: CARD_TYPES[creditCard.brandCode] ?? "Unknown",
      cardholderName: creditCard.cardholderName,
      expirationMonth: creditCard.expirationMonth,
      expirationYear: creditCard.expirationYear,
      lastFour: creditCard.last4,
      lastTwo,
    },
  };
}

function problem(code, details) {
  const [type, message] = PROBLEMS[code];
  return { type, code, message, details };
}
