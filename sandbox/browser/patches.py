"""Where Braintree's published browser code must look so that it talks to the sandbox.

The published files only accept Braintree's own hosts. The sandbox changes the few lines that say
so while it serves the files; what npm installed stays as it is. The expected counts hold for
braintree-web 3.123 to 3.144 and braintree-web-drop-in 1.48: another number means that another
release does things differently, and then serving the file half changed would be worse than not
serving it.
"""

from __future__ import annotations

from dataclasses import dataclass

# The components the sandbox has an answer for.
PLAIN_COMPONENTS = frozenset({"us-bank-account", "sepa", "data-collector", "vault-manager"})
CHECKING_COMPONENTS = frozenset({"client", "hosted-fields"})
COMPONENTS = PLAIN_COMPONENTS | CHECKING_COMPONENTS
DROPIN = "dropin"


@dataclass(frozen=True)
class Patch:
    """Replace `found` by `replacement`, which must be there exactly `count` times."""

    what: str
    found: str
    replacement: str
    count: int = 1


class UnexpectedSource(Exception):
    """A file does not look as the patches expect; the message says which and why."""


def patches_for(component: str, public_url: str) -> tuple[Patch, ...]:
    """The patches for one file, pointing it at `public_url` (scheme and host, no final slash)."""
    patches = _address_patches(public_url)
    if component in CHECKING_COMPONENTS or component == DROPIN:
        patches += (_verified_domain(public_url),)
    if component == DROPIN:
        found = "'https://js.braintreegateway.com/web/'"
        patches += (Patch("the scripts' address", found, f"'{public_url}/web/'"),)
    return patches


def apply_patches(source: str, patches: tuple[Patch, ...], name: str) -> str:
    """The patched source. Raises UnexpectedSource unless every patch fits exactly."""
    for patch in patches:
        times = source.count(patch.found)
        if times != patch.count:
            raise UnexpectedSource(
                f"The sandbox can't serve {name}: {patch.what} was expected {patch.count} "
                f"time(s) and found {times} time(s). Install the release the sandbox knows: "
                "braintree-web 3.144.0 and braintree-web-drop-in 1.48.0."
            )
        source = source.replace(patch.found, patch.replacement)
    return source


def _address_patches(public_url: str) -> tuple[Patch, ...]:
    def moved(what: str, old: str, new_path: str, count: int = 1) -> Patch:
        return Patch(what, f'"{old}"', f'"{public_url}{new_path}"', count)

    return (
        moved("the live API's address", "https://api.braintreegateway.com:443", ""),
        moved("the test API's address", "https://api.sandbox.braintreegateway.com:443", ""),
        moved("the assets' address", "https://assets.braintreegateway.com", "", count=2),
        moved("the live GraphQL address", "https://payments.braintree-api.com/graphql", "/graphql"),
        moved(
            "the test GraphQL address",
            "https://payments.sandbox.braintree-api.com/graphql",
            "/graphql",
        ),
        moved(
            "the analytics address",
            "https://www.paypal.com/xoplatform/logger/api/logger",
            "/analytics",
        ),
        moved(
            "the device data script",
            "https://c.paypal.com/da/r/fb.js",
            "/sandbox/frame/device-data.js",
        ),
    )


def _verified_domain(public_url: str) -> Patch:
    declaration = "function isVerifiedDomain(url) {"
    test = f'if (url === "{public_url}" || url.indexOf("{public_url}/") === 0) return true;'
    return Patch("the check of hosts", declaration, f"{declaration}\n  {test}\n")
