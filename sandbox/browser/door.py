"""Who may ask for a nonce, and the shape of what browsers send and get."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request

from sandbox.browser.tokenizing import text
from sandbox.options import Options
from sandbox.store import Store

NOT_AUTHORISED = "The client token or tokenization key is missing, forged or past its day."


class Door:
    """Decides whether a browser may tokenise: by a client token or by the tokenization key."""

    def __init__(self, store: Store, options: Options) -> None:
        self._store = store
        self._options = options

    def lets_in(self, credential: str) -> bool:
        """Whether `credential` is our tokenization key or a fingerprint issued for us."""
        if not credential:
            return False
        key = self._options.tokenization_key
        if hmac.compare_digest(credential.encode(), key.encode()):
            return True
        return self._store.fingerprint_is_valid(credential) == self._options.merchant_id

    def lets_in_bearer(self) -> bool:
        """The same for the current request's Authorization header."""
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and self.lets_in(credential)

    def lets_in_values(self, values: Mapping[str, Any]) -> bool:
        """The same for a client API call, which carries its credential among its values."""
        credential = text(values, "authorizationFingerprint") or text(values, "tokenizationKey")
        return self.lets_in(credential)


def json_object() -> Mapping[str, Any]:
    """The object a browser sent; anything else counts as an empty one."""
    body = request.get_json(force=True, silent=True)
    return body if isinstance(body, dict) else {}


def json_answer(content: dict[str, Any], status: int) -> Response:
    """An answer with a status of its own."""
    response = jsonify(content)
    response.status_code = status
    return response


def not_authorised() -> Response:
    """The answer to a browser that the door does not let in."""
    return json_answer({"error": {"message": NOT_AUTHORISED}}, 401)
