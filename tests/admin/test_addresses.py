"""Addresses nobody meant, and text that wants to be HTML."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from admin.base.registry import registry
from tests.support import Factory


@pytest.mark.parametrize(
    "query",
    [
        "after=x",
        "after=%00",
        "after=~",
        "after==~1~2",
        "before=99999999999999999999",
        "after=1&before=2",
        "last=1&after=zzz",
        "sort=user.password",
        "sort=nothing",
        "sort=-total&after==abc~1",
        "sort=due_on&after==2026-99-99~1",
        "sort=created_at&after==2026-01-01~1",
        "sort=total&after==99999999999999999999999~1",
        "sort=state&after==bogus~1",
        "size=0",
        "size=-5",
        "size=9999999999999999999999",
        "page=-1",
        "state=bogus",
        "state=%00",
        "site=abc",
        "site=99999999999999999999",
        "user=-1",
        "due_on_from=yesterday",
        "due_on_to=0001-01-01",
        "created_at_from=9999-12-31",
        "q=%00",
        "q=%27%22%29%3B--",
        "q=" + "a" * 5000,
        "q=%F0%9F%92%A9",
        "nonsense=1",
        "flt0_state_equals=paid",
    ],
)
def test_an_address_that_makes_no_sense_is_answered_kindly(
    query: str, staff_client: Callable[..., FlaskClient], make: Factory
) -> None:
    make.invoice()
    client = staff_client()
    answer = client.get(f"/admin/invoice/?{query}")
    assert answer.status_code == 200
    assert client.get(f"/admin/invoice/export/csv/?{query}").status_code == 200


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("nonsense=1", "There is no filter named “nonsense” here"),
        ("state=bogus", "“State” can&#39;t be “bogus”"),
        ("site=abc", "“Site” can&#39;t be “abc”"),
        ("after=x", "That page could not be found"),
        ("sort=nothing", "This list can&#39;t be sorted by “nothing”"),
        ("due_on_from=soon", "“Due” can&#39;t be “soon”"),
        ("q=!!!", "Type at least one letter or digit"),
    ],
)
def test_what_was_left_out_is_said(
    query: str, sentence: str, staff_client: Callable[..., FlaskClient]
) -> None:
    page = staff_client().get(f"/admin/invoice/?{query}").text
    assert sentence in page or sentence.replace("&#39;", "'") in page


def test_nothing_a_person_wrote_becomes_html(
    sixty: int, staff_client: Callable[..., FlaskClient]
) -> None:
    client = staff_client()
    pages = [client.get(f"/admin/{name}/?size=100").text for name in registry().views]
    pages += [client.get(f"/admin/user/details/?id={n}").text for n in range(1, 6)]
    pages += [client.get(f"/admin/user/edit/?id={n}").text for n in range(1, 6)]
    pages += [client.get(f"/admin/invoice/details/?id={n}").text for n in range(1, 6)]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "</td></tr><b>" not in page
        assert 'href="javascript:' not in page
    assert "{{ 7 * 7 }}" in "".join(pages)


def test_no_page_has_what_the_content_policy_forbids(
    sixty: int, staff_client: Callable[..., FlaskClient]
) -> None:
    client = staff_client()
    for path in ("/admin/invoice/", "/admin/invoice/details/?id=1", "/admin/user/edit/?id=1"):
        text = client.get(path).text
        assert not re.search(r"<[^>]+\s(on[a-z]+|style)=", text), path
        assert not re.search(r"<(script|style)(?![^>]*(nonce|src)=)[^>]*>", text), path
