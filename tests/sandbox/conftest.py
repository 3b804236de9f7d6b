from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.options import Options
from sandbox.server import Server
from tests.held import held
from tests.sandbox.merchant import Merchant, Receiver

__all__ = ["held"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sandbox on a free port for the whole session."""
    data = tmp_path_factory.mktemp("sandbox") / "data" / "sandbox.sqlite3"
    with Server(Options(port=0, data_path=data)) as server:
        yield server


@pytest.fixture
def merchant(server: Server) -> Merchant:
    """A merchant at a sandbox that has forgotten everything before."""
    server.desk.store.reset()
    return Merchant(server.options)


@pytest.fixture
def receiver(merchant: Merchant) -> Iterator[Receiver]:
    """Where the merchant's webhooks arrive."""
    receiver = Receiver()
    merchant.settings(webhook_url=receiver.url)
    yield receiver
    merchant.settings(webhook_url="")
    receiver.close()


@pytest.fixture
def card_nonce(server: Server, merchant: Merchant) -> str:
    """A real, single-use nonce, as the browser side makes them."""
    created = server.desk.store.create_card_nonce(
        "4111111111111111", "1", "40", "123", "60654", "Zoë"
    )
    return created.nonce
