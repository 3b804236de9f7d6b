"""Tables: columns, relations, constraints and labels. No verbs live here."""

from models.application import Application, ApplicationFee, Form, FormFee
from models.base import Base, UtcDateTime, db
from models.email import OutgoingEmail
from models.history import History
from models.invoice import Counter, Credit, Invoice, InvoiceVersion, Item
from models.message import (
    Message,
    MessageExclusion,
    MessageExtra,
    MessageRecipient,
    Unsubscribe,
)
from models.note import Note
from models.office import GatewayNotification, JobRun, Settings
from models.payment import Allocation, Payment
from models.places import Billable, Rental, Site, Unit
from models.sign_in import SignInLink
from models.staff import Role, Staff
from models.user import PaymentMethod, User

__all__ = [
    "Allocation",
    "Application",
    "ApplicationFee",
    "Base",
    "Billable",
    "Counter",
    "Credit",
    "Form",
    "FormFee",
    "GatewayNotification",
    "History",
    "Invoice",
    "InvoiceVersion",
    "Item",
    "JobRun",
    "Message",
    "MessageExclusion",
    "MessageExtra",
    "MessageRecipient",
    "Note",
    "OutgoingEmail",
    "Payment",
    "PaymentMethod",
    "Rental",
    "Role",
    "Settings",
    "SignInLink",
    "Site",
    "Staff",
    "Unit",
    "Unsubscribe",
    "User",
    "UtcDateTime",
    "db",
]
