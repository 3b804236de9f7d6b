"""What the gateway tells a browser about the merchant, in the two shapes clients ask for."""

from __future__ import annotations

from typing import Any

from sandbox.options import Options

# GraphQL's word for a brand -> the word everything else uses.
BRANDS = {
    "VISA": "Visa",
    "MASTERCARD": "MasterCard",
    "AMERICAN_EXPRESS": "American Express",
    "DISCOVER": "Discover",
    "JCB": "JCB",
    "DINERS": "Diners Club",
    "INTERNATIONAL_MAESTRO": "Maestro",
    "UNION_PAY": "UnionPay",
}
CHALLENGES = ("cvv", "postal_code")

# Clients know the hosts of "sandbox" and "production" only.
ENVIRONMENT = "sandbox"


def client_api_url(options: Options) -> str:
    """Where browsers find the merchant's client API."""
    return f"{options.public_url}{options.merchant_path}/client_api"


def rest_configuration(options: Options) -> dict[str, Any]:
    """The answer of GET …/client_api/v1/configuration."""
    return {
        "environment": ENVIRONMENT,
        "merchantId": options.merchant_id,
        "clientApiUrl": client_api_url(options),
        "assetsUrl": options.public_url,
        "authUrl": options.public_url,
        "analytics": {"url": f"{options.public_url}/analytics"},
        "challenges": list(CHALLENGES),
        "creditCards": {"supportedCardTypes": list(BRANDS.values()), "collectDeviceData": False},
        "graphQL": {
            "url": f"{options.public_url}/graphql",
            "date": "2018-05-08",
            "features": ["tokenize_credit_cards"],
        },
        "usBankAccount": {"routeId": options.merchant_id},
        "threeDSecureEnabled": False,
        "paypalEnabled": False,
        "venmo": "off",
    }


def graphql_configuration(options: Options) -> dict[str, Any]:
    """The answer to the GraphQL query ClientConfiguration; what the sandbox lacks is null."""
    lacking = (
        "applePayWeb",
        "braintreeApi",
        "fastlane",
        "googlePay",
        "ideal",
        "masterpass",
        "openBanking",
        "paypal",
        "unionPay",
        "venmo",
        "visaCheckout",
    )
    return dict.fromkeys(lacking) | {
        "analyticsUrl": f"{options.public_url}/analytics",
        "environment": ENVIRONMENT.upper(),
        "merchantId": options.merchant_id,
        "assetsUrl": options.public_url,
        "clientApiUrl": client_api_url(options),
        "creditCard": {
            "supportedCardBrands": list(BRANDS),
            "challenges": [challenge.upper() for challenge in CHALLENGES],
            "threeDSecureEnabled": False,
            "threeDSecure": None,
        },
        "usBankAccount": {"routeId": options.merchant_id, "plaidPublicKey": None},
        "supportedFeatures": ["TOKENIZE_CREDIT_CARDS"],
    }
