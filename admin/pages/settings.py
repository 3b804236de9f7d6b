"""The office's settings: one checked form, and who changed what."""

from __future__ import annotations

import json
from typing import Any

from babel import Locale
from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import (
    ColorField,
    EmailField,
    FileField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)

from admin.base.access import actor, holds, requires
from admin.base.columns import label_of
from admin.base.eye import history_for
from admin.base.forms import read_seen
from admin.base.page import PanelPage
from admin.base.refusing import REFUSED, show_refusal
from admin.base.words import office_settings, words
from admin.pages.settings_words import effect_words, saved_words
from billing.errors import Refusal
from billing.logo import MAX_BYTES, kind_of
from billing.overdue import Effect
from billing.setting_values import READERS, currencies, timezones
from billing.settings import DATING, change_settings, preview_settings, problems
from models import Settings, db
from models.states import BillingTrigger, OverdueBasis

GROUPS = (
    (
        "Organisation",
        ("organisation", "tagline", "address", "phone", "email", "website", "accent", "logo"),
    ),
    ("Money and dates", ("currency", "locale", "timezone")),
    ("Overdue", ("overdue_age", "overdue_basis")),
    (
        "Billing",
        ("billing_trigger", "retry_days", "expiry_days", "other_amounts", "manual_methods"),
    ),
    ("Direct debit", ("direct_debit", "creditor_id")),
    ("Cards", ("hold_minutes", "max_declines")),
    ("Invoices", ("link_days", "invoice_footer")),
)
HINTS = {
    "currency": "One for the whole office. It stays once there are invoices.",
    "locale": "Language and country, such as en_US or de_DE. Amounts are typed its way, too.",
    "timezone": "Days begin and end here, such as America/Chicago.",
    "logo": "PNG or JPEG, at most 300 kB. Shown at the top of the customer's pages.",
    "link_days": "Days. An expired link offers its customer a fresh one.",
    "hold_minutes": "Minutes. A card that was authorised but never charged is let go.",
}
YES_NO = (("no", "No"), ("yes", "Yes"))
BASES = (
    (OverdueBasis.ISSUED.value, "The day it was last issued"),
    (OverdueBasis.INVOICE_DATE.value, "The invoice date"),
)
TRIGGERS = (
    (BillingTrigger.MANUAL.value, "Manual: staff charge or send"),
    (BillingTrigger.AUTOMATIC.value, "Automatic: charge, or e-mail without a payment method"),
)
# Some that offices use; anything else the locale library knows can be typed.
LOCALES = [
    "ar_EG",
    "cs_CZ",
    "da_DK",
    "de_AT",
    "de_CH",
    "de_DE",
    "el_GR",
    "en_AU",
    "en_CA",
    "en_GB",
    "en_IE",
    "en_IN",
    "en_NZ",
    "en_US",
    "en_ZA",
    "es_ES",
    "es_MX",
    "es_US",
    "et_EE",
    "fi_FI",
    "fr_BE",
    "fr_CA",
    "fr_CH",
    "fr_FR",
    "he_IL",
    "hi_IN",
    "hu_HU",
    "it_IT",
    "ja_JP",
    "ko_KR",
    "lt_LT",
    "lv_LV",
    "nb_NO",
    "nl_BE",
    "nl_NL",
    "pl_PL",
    "pt_BR",
    "pt_PT",
    "ro_RO",
    "sk_SK",
    "sl_SI",
    "sv_SE",
    "tr_TR",
    "uk_UA",
    "zh_CN",
]


def _kwargs(name: str) -> dict[str, Any]:
    label = label_of(Settings, name)
    return {"label": label.text, "description": HINTS.get(name, label.hint)}


class SettingsForm(BaseForm):
    """Shows what is stored or was typed; ``billing.settings`` checks it."""

    organisation = StringField(**_kwargs("organisation"))
    tagline = StringField(**_kwargs("tagline"))
    address = TextAreaField(**_kwargs("address"))
    phone = TelField(**_kwargs("phone"))
    email = EmailField(**_kwargs("email"))
    website = StringField(**_kwargs("website"))
    accent = ColorField(**_kwargs("accent"))
    currency = StringField(**_kwargs("currency"), render_kw={"list": "currencies"})
    locale = StringField(**_kwargs("locale"), render_kw={"list": "locales"})
    timezone = StringField(**_kwargs("timezone"), render_kw={"list": "timezones"})
    overdue_age = StringField(**_kwargs("overdue_age"), render_kw={"inputmode": "numeric"})
    overdue_basis = SelectField(**_kwargs("overdue_basis"), choices=BASES)
    billing_trigger = SelectField(**_kwargs("billing_trigger"), choices=TRIGGERS)
    retry_days = StringField(**_kwargs("retry_days"))
    expiry_days = StringField(**_kwargs("expiry_days"), render_kw={"inputmode": "numeric"})
    other_amounts = SelectField(**_kwargs("other_amounts"), choices=YES_NO)
    manual_methods = TextAreaField(**_kwargs("manual_methods"))
    direct_debit = SelectField(**_kwargs("direct_debit"), choices=YES_NO)
    creditor_id = StringField(**_kwargs("creditor_id"))
    hold_minutes = StringField(**_kwargs("hold_minutes"), render_kw={"inputmode": "numeric"})
    max_declines = StringField(**_kwargs("max_declines"), render_kw={"inputmode": "numeric"})
    link_days = StringField(**_kwargs("link_days"), render_kw={"inputmode": "numeric"})
    invoice_footer = TextAreaField(**_kwargs("invoice_footer"))
    logo = FileField(**_kwargs("logo"), render_kw={"accept": "image/png,image/jpeg"})


def as_typed(settings: Settings) -> dict[str, str]:
    """Return every setting the way it would be typed into the form."""
    return {name: _typed(getattr(settings, name)) for name in READERS}


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        numbers = all(isinstance(each, int) for each in value)
        return (", " if numbers else "\n").join(str(each) for each in value)
    return "" if value is None else str(value)


def _what_changes(typed: dict[str, str]) -> str:
    """Return what a confirmation is about: it counts for these values and no others."""
    return json.dumps({name: typed[name] for name in sorted(DATING & set(typed))})


def _chosen_logo() -> bytes:
    """The picture that was chosen; nothing when none was."""
    chosen = request.files.get("logo")
    return chosen.read(MAX_BYTES + 1) if chosen and chosen.filename else b""


def _logo_problems() -> list[Refusal]:
    data = _chosen_logo()
    try:
        if data:
            kind_of(data)
    except Refusal as refusal:
        return [refusal]
    finally:
        if data:
            request.files["logo"].seek(0)
    return []


def _wanted_logo() -> bytes | None:
    """Return the logo the form asks for: empty to show none, None to leave it."""
    return _chosen_logo() or (b"" if "no_logo" in request.form else None)


class SettingsPage(PanelPage):
    """What the office decided about itself."""

    label = "Settings"
    permission = "settings.view"
    slug = "settings"
    icon = "settings"
    group = "Office"

    @expose("/")
    def index(self) -> Any:
        stored = as_typed(office_settings())
        return self._page(SettingsForm(data=stored), json.dumps(stored))

    @expose("/", methods=("POST",))
    @requires("settings.edit")
    def change(self) -> Any:
        """Save what was typed, or say at each field what is wrong with it."""
        typed = {name: request.form[name] for name in READERS if name in request.form}
        mark = request.form.get("seen", "")
        shown = {name: value for name, value in read_seen(mark).items() if name in typed}
        wrong = [*problems(typed), *_logo_problems()]
        effect = None if wrong else self._unconfirmed(typed)
        if effect:
            form = SettingsForm(request.form, data=as_typed(office_settings()))
            return self._page(form, mark, effect, _what_changes(typed))
        wrong = wrong or self._save(typed, shown)
        if not wrong:
            return redirect(url_for(".index"), 303)
        form = SettingsForm(request.form, data=as_typed(office_settings()))
        for refusal in wrong:
            show_refusal(form, refusal)
        return make_response(self._page(form, mark), REFUSED)

    def _unconfirmed(self, typed: dict[str, str]) -> Effect | None:
        """Return what saving would do to unpaid invoices, unless staff have agreed to just that."""
        if request.form.get("confirmed") == _what_changes(typed):
            return None
        return preview_settings(db.session(), typed) or None

    def _save(self, typed: dict[str, Any], shown: dict[str, Any]) -> list[Refusal]:
        logo = _wanted_logo()
        try:
            changed = change_settings(typed, actor(), shown=shown, logo=logo)
        except Refusal as refusal:
            return [refusal]
        if changed.names or logo is None:
            flash(saved_words(changed), "success")
        if logo is not None:
            flash(f"The logo was {'changed' if logo else 'removed'}.", "success")
        return []

    def _page(
        self, form: BaseForm, mark: str, effect: Effect | None = None, confirming: str = ""
    ) -> str:
        return str(
            self.render(
                "admin/pages/settings.html",
                form=form,
                mark=mark,
                question=effect_words(effect) if effect else "",
                confirming=confirming,
                logo_again=bool(effect and _chosen_logo()),
                groups=GROUPS,
                may_edit=holds("settings.edit"),
                currencies=currencies(),
                timezones=timezones(),
                locales=[(name, Locale.parse(name).english_name) for name in LOCALES],
                history=history_for(office_settings(), words()),
            )
        )
