"""What processors answer: codes, their texts, and whether trying again can help.

https://developer.paypal.com/braintree/docs/reference/general/processor-responses/authorization-responses
"""

from __future__ import annotations

APPROVED, SOFT, HARD = "approved", "soft_declined", "hard_declined"

TEXTS = {
    "1000": "Approved",
    "1002": "Processed",
    "1003": "Approved with Risk",
    "1004": "Approved for Partial Amount",
    "2000": "Do Not Honor",
    "2001": "Insufficient Funds",
    "2002": "Limit Exceeded",
    "2003": "Cardholder's Activity Limit Exceeded",
    "2004": "Expired Card",
    "2005": "Invalid Credit Card Number",
    "2006": "Invalid Expiration Date",
    "2007": "No Account",
    "2008": "Card Account Length Error",
    "2009": "No Such Issuer",
    "2010": "Card Issuer Declined CVV",
    "2011": "Voice Authorization Required",
    "2012": "Processor Declined - Possible Lost Card",
    "2013": "Processor Declined - Possible Stolen Card",
    "2014": "Processor Declined - Fraud Suspected",
    "2015": "Transaction Not Allowed",
    "2016": "Duplicate Transaction",
    "2017": "Cardholder Stopped Billing",
    "2018": "Cardholder Stopped All Billing",
    "2019": "Invalid Transaction",
    "2020": "Violation",
    "2021": "Security Violation",
    "2022": "Declined - Updated Cardholder Available",
    "2023": "Processor Does Not Support This Feature",
    "2024": "Card Type Not Enabled",
    "2034": "No Action Taken",
    "2038": "Processor Declined",
    "2041": "Declined - Call For Approval",
    "2043": "Error - Do Not Retry, Call Issuer",
    "2044": "Declined - Call Issuer",
    "2046": "Declined",
    "2047": "Call Issuer. Pick Up Card.",
    "2048": "Invalid Amount",
    "2053": "Card Reported as Lost or Stolen",
    "2057": "Issuer or Cardholder Has Put a Restriction on the Card",
    "2059": "Address Verification Failed",
    "2060": "Address Verification and Card Security Code Failed",
    "2061": "Invalid Transaction Data",
    "2092": "No Data Found - Try Another Verification Method",
    "2099": "Cardholder Authentication Required",
    "2107": "Card Not Activated",
    "2108": "Closed Card",
    "3000": "Processor Network Unavailable - Try Again",
    "4000": "Confirmed",
    "4001": "Settlement Declined",
    "4002": "Settlement Pending",
}

_HARD_RANGES = (
    (2004, 2015), (2017, 2024), (2027, 2033), (2036, 2037), (2039, 2039), (2041, 2041),
    (2043, 2045), (2047, 2047), (2049, 2056), (2058, 2061), (2063, 2077), (2079, 2079),
    (2081, 2091), (2093, 2098), (2100, 2100), (2107, 2108),
)  # fmt: skip


def text(code: str) -> str:
    """The processor's words for `code`."""
    return TEXTS.get(code, "Processor Declined")


def kind(code: str) -> str:
    """`approved`, `soft_declined` (a later try may work) or `hard_declined` (it will not)."""
    number = int(code)
    if number < 2000:
        return APPROVED
    return HARD if any(low <= number <= high for low, high in _HARD_RANGES) else SOFT
