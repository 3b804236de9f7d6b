"""Tables: columns, relations, constraints and labels. No verbs live here."""

from models.application import Application, ApplicationFee, Form, FormFee
from models.base import Base, UtcDateTime, db
from models.bulk import BulkRow, BulkRun
from models.charge import PredefinedCharge
from models.dispute import Dispute
from models.email import OutgoingEmail
from models.history import History
from models.invoice import Counter, Credit, Invoice, InvoiceVersion, Item
from models.label import Label
from models.message import (
    Message,
    MessageExclusion,
    MessageExtra,
    MessageRecipient,
    Unsubscribe,
)
from models.note import Note
from models.notice import StaffNotice
from models.office import GatewayNotification, JobRun, Settings
from models.payment import Allocation, Payment
from models.places import Billable, Rental, Site, Unit
from models.saved import SavedFilter
from models.sign_in import SignInLink
from models.staff import Role, Staff
from models.user import PaymentMethod, User

__all__ = [
    "Allocation",
    "Application",
    "ApplicationFee",
    "Base",
    "Billable",
    "BulkRow",
    "BulkRun",
    "Counter",
    "Credit",
    "Dispute",
    "Form",
    "FormFee",
    "GatewayNotification",
    "History",
    "Invoice",
    "InvoiceVersion",
    "Item",
    "JobRun",
    "Label",
    "Message",
    "MessageExclusion",
    "MessageExtra",
    "MessageRecipient",
    "Note",
    "OutgoingEmail",
    "Payment",
    "PaymentMethod",
    "PredefinedCharge",
    "Rental",
    "Role",
    "SavedFilter",
    "Settings",
    "SignInLink",
    "Site",
    "Staff",
    "StaffNotice",
    "Unit",
    "Unsubscribe",
    "User",
    "UtcDateTime",
    "db",
]
