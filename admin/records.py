"""The record types of the panel, in the order of its menu.

A new one is a line here: the model itself, or a ``RecordView`` of it where something differs from
what its ``__panel__`` says.
"""

from __future__ import annotations

from typing import Any

from admin.applications import ApplicationView
from admin.base.actions import actions_of
from admin.base.scope import site_ids
from admin.base.view import RecordView
from admin.charges import ChargeView
from admin.gateway import DisputeView, NewsView
from admin.history import EmailView, HistoryView
from admin.invoices import InvoiceView, SiteView, UnitView, UserView
from admin.pages.fee_rules import form_actions
from admin.pages.gateway_news import news_actions
from admin.pages.messages_actions import message_actions
from admin.pages.messages_view import MessageView, RecipientView
from admin.payments import PaymentView
from billing.actions import (
    application_actions,
    email_actions,
    invoice_actions,
    label_actions,
    payment_actions,
    unit_actions,
    user_actions,
)
from models import (
    Application,
    Form,
    GatewayNotification,
    Invoice,
    Label,
    Message,
    OutgoingEmail,
    Payment,
    Rental,
    Role,
    Staff,
    Unit,
    User,
)

RECORDS: list[Any] = [
    ApplicationView,
    InvoiceView,
    PaymentView,
    DisputeView,
    ChargeView,
    UserView,
    UnitView,
    SiteView,
    Rental,
    Form,
    MessageView,
    RecipientView,
    EmailView,
    NewsView,
    HistoryView,
    Label,
    Staff,
    Role,
]

actions_of(Invoice, lambda session, invoice: invoice_actions(session, invoice, site_ids()))
actions_of(Payment, payment_actions)
actions_of(User, lambda session, user: user_actions(session, user, site_ids()))
actions_of(Unit, unit_actions)
actions_of(Application, application_actions)
actions_of(Form, form_actions)
actions_of(Message, message_actions)
actions_of(GatewayNotification, news_actions)
actions_of(Label, lambda session, label: label_actions(session, label, site_ids()))
actions_of(OutgoingEmail, lambda _session, email: email_actions(email))


def record_views() -> list[RecordView]:
    """Return a new view of every record type, in menu order."""
    return [entry() if issubclass(entry, RecordView) else RecordView(entry) for entry in RECORDS]
