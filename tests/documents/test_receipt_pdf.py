"""The receipt, and the corrected one after money went back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date

import pytest

from documents import receipt_pdf
from documents.papers import ReceiptPaper, TakenBack
from documents.receipts import mark_day
from tests.documents.pdf_reader import read

Receipt = Callable[..., ReceiptPaper]


def test_says_who_paid_what_how_and_for_what(receipt: Receipt) -> None:
    page = read(receipt_pdf(receipt())).text
    for words in (
        "Receipt\n",
        "Invoice #10",
        "Amount paid",
        "$20.00",
        "November 21, 2026",
        "Visa ending in 1111",
        "Zoë Alvarez",
        "Outstanding balance for 2027 Dog Park",
        "cf-3961efa60eb2",
        "PAID",
    ):
        assert words in page
    assert "Corrected" not in page
    assert "Left to pay" not in page


def test_a_part_payment_says_what_is_left(receipt: Receipt) -> None:
    page = read(receipt_pdf(receipt(balance=3000, total=5000))).text
    assert "#10 of $50.00" in page
    assert "Left to pay\n$30.00" in page


def test_what_was_paid_too_much_is_said(receipt: Receipt) -> None:
    assert "Paid too much" not in read(receipt_pdf(receipt())).text
    page = read(receipt_pdf(dataclasses.replace(receipt(), surplus=500))).text
    assert "Paid too much\n$5.00, kept as credit" in page


@pytest.mark.parametrize(
    ("kind", "amount", "mark", "words"),
    [
        ("refunded", 500, "CORRECTED", "−$5.00 on November 23, 2026"),
        ("refunded", 2000, "REFUNDED", "Refunded"),
        ("returned", 2000, "RETURNED", "Returned by the bank"),
    ],
)
def test_money_that_went_back_makes_a_corrected_receipt(
    receipt: Receipt, kind: str, amount: int, mark: str, words: str
) -> None:
    paper = receipt(taken_back=[TakenBack(kind, amount, date(2026, 11, 23))], balance=amount)
    page = read(receipt_pdf(paper)).text
    assert "Corrected receipt" in page
    assert mark in page
    assert mark_day(paper) == date(2026, 11, 23)
    assert words in page
    assert "PAID" not in page
    assert f"Paid in the end\n\n${(2000 - amount) / 100:.2f}" in page


def test_long_and_foreign_words_fit(receipt: Receipt) -> None:
    found = read(receipt_pdf(receipt(description="王小明 العربية € " * 60)))
    assert found.missing == ()
    assert "PAID" in found.pages[-1]


def test_same_words_are_the_same_bytes(receipt: Receipt) -> None:
    assert receipt_pdf(receipt()) == receipt_pdf(receipt())
