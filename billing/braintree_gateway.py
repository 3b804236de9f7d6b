"""The only importer of the Braintree SDK: turns its objects and exceptions into the heart's words.

An exception after a request was sent is an unknown outcome, whatever its type: the SDK can raise
XML and key errors for a reply that was cut. Only a connection that was never made is certain.
"""

from __future__ import annotations

import datetime as dt
import os
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from billing import money
from billing.braintree_answers import (
    read_check,
    read_dispute,
    read_disputes,
    read_method,
    read_nonce,
    read_refusal,
    read_transaction,
)
from billing.database import refuse_inside_transaction
from billing.errors import GatewayUnreachable, OutcomeUnknown
from billing.gateway import (
    Account,
    Answer,
    Check,
    DisputeNews,
    ForgedNotification,
    KeptMethod,
    Notification,
    Order,
    Verdict,
)
from models.states import PaymentState

with warnings.catch_warnings():
    # The SDK warns about an enum of its own when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import braintree
    from braintree.exceptions.http.connection_error import ConnectionError as NotConnected
    from braintree.exceptions.http.timeout_error import ConnectTimeoutError
    from braintree.exceptions.not_found_error import NotFoundError

Result = TypeVar("Result")

# Seconds to connect and to wait for an answer; a person is waiting too.
TIMEOUT = (3, 20)


class BraintreeGateway:
    """``billing.gateway.Gateway`` over the SDK, one SDK object a process (not shared over fork)."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._sdk: dict[int, Any] = {}

    def client_token(self) -> str:
        return str(self._call(lambda sdk: sdk.client_token.generate()))

    def sale(self, order: Order) -> Answer:
        return self._why_not_card(order) or self._charge(order, submit=True)

    def authorise(self, order: Order) -> Answer:
        return self._why_not_card(order) or self._charge(order, submit=False)

    def capture(self, gateway_id: str, amount: int, currency: str, reference: str) -> Answer:
        text = money.to_decimal_string(amount, currency)
        options = self._key(reference)
        return self._change(
            lambda sdk: sdk.transaction.submit_for_settlement(gateway_id, text, options),
            reference,
        )

    def void(self, gateway_id: str, reference: str) -> Answer:
        options = [key] if (key := self._key(reference)) else []
        return self._change(lambda sdk: sdk.transaction.void(gateway_id, *options), reference)

    def refund(self, gateway_id: str, amount: int, currency: str, reference: str) -> Answer:
        found = self.find(gateway_id)
        unsettled = found is not None and found.state is PaymentState.SUBMITTED
        if unsettled and found is not None and found.amount == amount:
            # A key stands for one request, and the refund below may need one too.
            answer = self.void(gateway_id, f"{reference}-void")
            if answer.verdict is Verdict.ACCEPTED:
                return Answer(
                    Verdict.ACCEPTED, PaymentState.SETTLED, status="voided", amount=amount
                )
        text = money.to_decimal_string(amount, currency)
        body = {"amount": text, "order_id": reference, **self._key(reference)}
        return self._change(lambda sdk: sdk.transaction.refund(gateway_id, body), reference)

    def find(self, gateway_id: str) -> Answer | None:
        try:
            found = self._call(lambda sdk: sdk.transaction.find(gateway_id))
        except LookupError:
            return None
        return read_transaction(found, self._account.currency)

    def find_by_reference(self, reference: str) -> Answer | None:
        criterion = braintree.TransactionSearch.order_id == reference
        found = self._call(lambda sdk: list(sdk.transaction.search(criterion).items))
        answers = [read_transaction(row, self._account.currency) for row in found]
        # A repetition that was rejected carries the same reference; the one with money is meant.
        accepted = (answer for answer in answers if answer.verdict is Verdict.ACCEPTED)
        return next(accepted, answers[0] if answers else None)

    def keep_method(
        self, customer_id: str | None, nonce: str, *, token: str = "", check: Check = Check.NONE
    ) -> KeptMethod | Answer:
        if customer_id is None:
            made = self._call(lambda sdk: sdk.customer.create({}))
            customer_id = str(made.customer.id)
        body: dict[str, Any] = {"customer_id": customer_id, "payment_method_nonce": nonce}
        if token:
            body["token"] = token
        if check is not Check.NONE:
            body["options"] = self._checking(check)
        result = self._call(lambda sdk: sdk.payment_method.create(body))
        if not result.is_success:
            return read_refusal(result)
        # An account that failed its check is kept all the same, and could never be debited.
        failed = read_check(result.payment_method) if check is Check.US_ACCOUNT else None
        if failed is not None:
            self.forget_method(str(result.payment_method.token))
            return failed
        return read_method(customer_id, result.payment_method)

    def find_method(self, token: str) -> KeptMethod | None:
        try:
            found = self._call(lambda sdk: sdk.payment_method.find(token))
        except LookupError:
            return None
        return read_method(str(found.customer_id), found)

    def forget_method(self, token: str) -> None:
        try:
            self._call(lambda sdk: sdk.payment_method.delete(token))
        except LookupError:
            return

    def find_dispute(self, gateway_id: str) -> DisputeNews | None:
        try:
            found = self._call(lambda sdk: sdk.dispute.find(gateway_id))
        except LookupError:
            return None
        return read_dispute(found, self._account.currency)

    def changed_disputes(self, since: dt.date) -> list[tuple[str, DisputeNews]]:
        by = braintree.DisputeSearch
        # The first is about any event of a dispute. The second is for an opening: it is not said
        # whether that always has a day of its own.
        criteria = (by.effective_date >= since, by.received_date >= since)
        found = self._call(
            lambda sdk: [row for each in criteria for row in sdk.dispute.search(each).disputes]
        )
        return read_disputes(found, self._account.currency)

    def parse_notification(self, signature: str, payload: str) -> Notification:
        try:
            news = self._own().webhook_notification.parse(signature, payload)
            subject = getattr(news, "transaction", None)
            dispute = getattr(news, "dispute", None)
            if subject is None and dispute is not None:
                subject = getattr(dispute, "transaction", None)
        except Exception as error:
            # Hostile input makes the SDK raise far more than its own InvalidSignatureError.
            raise ForgedNotification(str(error)) from error
        at = news.timestamp.replace(tzinfo=dt.UTC) if news.timestamp else None
        said = read_dispute(dispute, self._account.currency) if dispute is not None else None
        return Notification(str(news.kind), str(getattr(subject, "id", "") or ""), at, said)

    def answer_challenge(self, challenge: str) -> str:
        try:
            return str(self._own().webhook_notification.verify(challenge))
        except Exception as error:
            raise ForgedNotification(str(error)) from error

    def _why_not_card(self, order: Order) -> Answer | None:
        """Look at what was typed before it is used: a debit on its way may not be voidable."""
        if not order.nonce:
            return None
        try:
            return read_nonce(self._call(lambda sdk: sdk.payment_method_nonce.find(order.nonce)))
        except LookupError:
            return read_nonce(None)
        except OutcomeUnknown as error:
            # Whatever became of the question, no money was asked for.
            raise GatewayUnreachable(str(error)) from error

    def _charge(self, order: Order, *, submit: bool) -> Answer:
        body: dict[str, Any] = {
            "amount": money.to_decimal_string(order.amount, order.currency),
            "order_id": order.reference,
            "options": {"submit_for_settlement": submit},
            **self._key(order.reference),
        }
        if order.nonce:
            body["payment_method_nonce"] = order.nonce
        else:
            body["payment_method_token"] = order.token
        if order.source:
            body["transaction_source"] = order.source
        if order.holder:
            body["credit_card"] = {"cardholder_name": order.holder}
        billing = {"street_address": order.street, "postal_code": order.postal_code}
        if any(billing.values()):
            body["billing"] = {name: value for name, value in billing.items() if value}
        if self._account.merchant_account_id:
            body["merchant_account_id"] = self._account.merchant_account_id
        answer = self._change(lambda sdk: sdk.transaction.sale(body), order.reference)
        if answer.amount is not None and answer.amount != order.amount:
            raise OutcomeUnknown(f"asked for {order.amount}, the gateway took {answer.amount}")
        return answer

    def _change(self, call: Callable[[Any], Any], reference: str) -> Answer:
        try:
            result = self._call(call)
        except LookupError:
            message = "The gateway does not know this payment"
            return Answer(Verdict.INVALID, PaymentState.FAILED, message=message)
        transaction = getattr(result, "transaction", None)
        if transaction is not None:
            answer = read_transaction(transaction, self._account.currency)
            if answer.status == "gateway_rejected" and "duplicate" in answer.message:
                raise OutcomeUnknown(f"{reference} was carried out before; it must be looked up")
            return answer
        if result is None:
            raise OutcomeUnknown("the gateway's answer could not be read")
        return read_refusal(result)

    def _call(self, call: Callable[[Any], Result]) -> Result:
        refuse_inside_transaction()
        try:
            return call(self._own())
        except NotFoundError as error:
            raise LookupError(str(error)) from error
        except (NotConnected, ConnectTimeoutError) as error:
            if _was_never_sent(error):
                raise GatewayUnreachable(str(error)) from error
            raise OutcomeUnknown(str(error)) from error
        except Exception as error:
            raise OutcomeUnknown(f"{type(error).__name__}: {error}") from error

    def _own(self) -> Any:
        pid = os.getpid()
        if pid not in self._sdk:
            self._sdk = {pid: braintree.BraintreeGateway(self._configuration())}
        return self._sdk[pid]

    def _configuration(self) -> Any:
        return braintree.Configuration(
            environment=environment(self._account),
            merchant_id=self._account.merchant_id,
            public_key=self._account.public_key,
            private_key=self._account.private_key,
            timeout=TIMEOUT,  # type: ignore[arg-type]
            wrap_http_exceptions=True,
        )

    def _checking(self, check: Check) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if check is Check.CARD:
            options["verify_card"] = True
        else:
            options["us_bank_account_verification_method"] = "network_check"
        if self._account.merchant_account_id:
            options["verification_merchant_account_id"] = self._account.merchant_account_id
        return options

    def _key(self, reference: str) -> dict[str, str]:
        return {"api_request_key": reference} if self._account.request_keys else {}


def environment(account: Account) -> Any:
    """Return the SDK's environment for ``account``."""
    if account.environment == "production":
        return braintree.Environment.Production
    if account.environment == "sandbox":
        return braintree.Environment.Sandbox
    scheme_host, _, port = account.url.rpartition(":")
    host = scheme_host.split("//")[-1]
    return braintree.Environment("local", host, port, account.url, False, None, host, port)


def _was_never_sent(error: BaseException) -> bool:
    """Whether the connection itself failed, so that no byte of the request left us."""
    text = repr(error.__cause__ or error.__context__ or error) + str(error)
    signs = ("NewConnectionError", "ConnectTimeout", "Connection refused", "NameResolution")
    return isinstance(error, ConnectTimeoutError) or any(sign in text for sign in signs)
