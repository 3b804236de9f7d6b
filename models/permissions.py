"""Every permission a role can hold, with the words staff read beside its tick.

A route that names a permission missing from this table fails a guard test, so nothing can be
guarded by a misspelt name that nobody holds.
"""

from __future__ import annotations

PERMISSIONS: dict[str, str] = {
    "dashboard.view": "See the dashboard",
    "users.view": "See customers",
    "users.edit": "Add and change customers",
    "users.billing": "Change how a customer is billed",
    "sites.view": "See sites, units and rentals",
    "sites.edit": "Add and change sites, units and rentals",
    "applications.view": "See applications and forms",
    "applications.edit": "Change applications and forms",
    "invoices.view": "See invoices",
    "invoices.create": "Generate and create invoices",
    "invoices.send": "Send and resend invoices",
    "invoices.edit": "Edit drafts",
    "invoices.redraft": "Set invoices back to draft",
    "invoices.delete": "Delete drafts",
    "invoices.charge": "Charge customers",
    "invoices.label": "Put labels on users, units and invoices",
    "charges.view": "See predefined charges",
    "charges.edit": "Add and change predefined charges",
    "labels.view": "See labels",
    "labels.edit": "Add and change labels",
    "filters.share": "Save filters for everybody",
    "payments.view": "See payments",
    "payments.process": "Process payments in person",
    "payments.refund": "Refund and reverse payments",
    "disputes.view": "See disputes",
    "credits.give": "Write off and credit",
    "messages.view": "See messages",
    "messages.edit": "Write, copy and archive messages",
    "messages.send": "Send and stop messages",
    "emails.view": "See outgoing e-mail",
    "emails.send": "Send failed e-mail again",
    "notices.receive": "Hear about failed charges and other news",
    "gateway.view": "See the gateway's news",
    "history.view": "See the history",
    "staff.view": "See staff and roles",
    "staff.edit": "Add and change staff and roles",
    "settings.view": "See the settings",
    "settings.edit": "Change the settings",
    "jobs.view": "See the jobs",
    "jobs.run": "Run a job now",
    "clock.move": "Move the demo clock",
}

OPERATIONS = [
    name
    for name in PERMISSIONS
    if not name.startswith(("staff.", "settings.", "clock."))
    and name not in {"invoices.delete", "credits.give", "payments.refund", "filters.share"}
]
ADMINISTRATION = [
    name for name in PERMISSIONS if name not in {"invoices.delete", "staff.edit", "settings.edit"}
]
MANAGEMENT = list(PERMISSIONS)

# Roles a new installation starts with; offices edit them in the panel.
DEFAULT_ROLES: dict[str, tuple[str, list[str]]] = {
    "Operations": ("Day-to-day work; hears about failed charges", OPERATIONS),
    "Administration": ("All but deleting, the settings and staff", ADMINISTRATION),
    "Manager": ("Everything", MANAGEMENT),
}
