"""Pages of the panel that are no record type: listed here, in the order of the menu."""

from __future__ import annotations

from admin.base.page import PanelPage
from admin.pages.billing_card import BillingPages
from admin.pages.bulk import BulkPages
from admin.pages.bulk_runs import BulkRunPages
from admin.pages.charging import ChargePage
from admin.pages.creating import CreatePage
from admin.pages.credit_use import CreditUsePage
from admin.pages.crediting import CreditPage
from admin.pages.dashboard import Dashboard
from admin.pages.deciding import ApplicationDecisions
from admin.pages.declining import DeclinePages
from admin.pages.demo_clock import ClockPage
from admin.pages.drafting import Drafting
from admin.pages.fee_rules import FeeRules
from admin.pages.gateway_news import NewsPages
from admin.pages.generating import ApplicationActions
from admin.pages.in_person import InPersonPage, SettlePage
from admin.pages.invoicing import InvoiceActions
from admin.pages.jobs import JobsPage
from admin.pages.label_ending import LabelEndPages
from admin.pages.labelling import LabelPages
from admin.pages.letter_texts import LetterTexts
from admin.pages.letters import EmailActions
from admin.pages.link_ending import LinkEndPage
from admin.pages.messages import MessagePages
from admin.pages.messages_doubts import MessageDoubts
from admin.pages.messages_sending import MessageSending
from admin.pages.my_notices import MyNotices
from admin.pages.nightly import NightlyPage
from admin.pages.noting import NotePages
from admin.pages.papers import InvoicePapers
from admin.pages.refunding import PaymentActions
from admin.pages.reminding import RemindPage
from admin.pages.settings import SettingsPage
from admin.pages.spreading import SpreadingPage
from admin.pages.statements import StatementPages

# The first is where people arrive: its slug is "admin" and its path "/admin".
PAGES: list[type[PanelPage]] = [
    Dashboard,
    ApplicationActions,
    InvoiceActions,
    ChargePage,
    CreatePage,
    Drafting,
    CreditUsePage,
    RemindPage,
    BulkPages,
    BulkRunPages,
    InvoicePapers,
    InPersonPage,
    SettlePage,
    CreditPage,
    PaymentActions,
    DeclinePages,
    BillingPages,
    NightlyPage,
    SpreadingPage,
    StatementPages,
    ApplicationDecisions,
    FeeRules,
    NotePages,
    LabelPages,
    LabelEndPages,
    LinkEndPage,
    EmailActions,
    MessagePages,
    MessageSending,
    MessageDoubts,
    NewsPages,
    MyNotices,
    SettingsPage,
    LetterTexts,
    JobsPage,
]
# Nobody may move the time of an office that takes real money: elsewhere these don't exist.
DEMO_PAGES: list[type[PanelPage]] = [ClockPage]


def pages_of(mode: str) -> list[PanelPage]:
    """Return a new page of every kind there is in ``mode`` (``demo``, ``production``, ``test``)."""
    kinds = [*PAGES, *DEMO_PAGES] if mode == "demo" else PAGES
    return [kind() for kind in kinds]
