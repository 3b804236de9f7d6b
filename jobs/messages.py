"""Sends messages to many, chunk by chunk. All it may forget is in the database."""

from __future__ import annotations

import logging
import time

from billing.database import reading
from billing.office import get_settings
from jobs.bulk import Frame
from jobs.courier import Courier, ServerTrouble
from messaging import delivery
from messaging.delivery import Turn
from messaging.reports import Chunk, Report

log = logging.getLogger(__name__)

# A turn ends after so long and asks for the next, so that money and single letters get by.
TURN_SECONDS = 10.0
# A mail server slower than this per chunk would outlast the lease; the rest waits again.
CHUNK_SECONDS = 45.0


def send(ids: list[int]) -> str:
    """Write to the recipients of these messages for one turn each."""
    sent = sum(_take_turn(message_id) for message_id in ids)
    return f"{sent} letters sent"


def sweep(_ids: list[int]) -> str:
    """Go on with what lost its worker or waits for another try."""
    lost, idle = delivery.sweep()
    return f"{idle} messages looked after, {lost} letters in doubt"


def _take_turn(message_id: int) -> int:
    turn = delivery.take_turn(message_id)
    if turn is None:
        return 0
    return _Round(turn).run()


class _Round:
    """One worker's turn with one message; ``chunk`` and ``reports`` are what it still owes."""

    def __init__(self, turn: Turn) -> None:
        self._id = turn.message_id
        self._turn = turn
        self._chunk: Chunk | None = None
        self._reports: list[Report] = []
        self._sent = 0

    def run(self) -> int:
        """Send until nobody is due or the time is up; returns how many the server accepted.

        However it ends, what is known is written down, and who was not written to waits again.
        """
        trouble: ServerTrouble | None = None
        try:
            self._work()
        except ServerTrouble as error:
            log.warning("message %s waits: %s", self._id, error.sentence)
            trouble = error
        except Exception as error:
            trouble = ServerTrouble(f"The letters could not be written: {error}", hopeless=True)
            raise
        finally:
            delivery.end_turn(
                self._id,
                self._chunk,
                self._reports,
                trouble=trouble.sentence if trouble else "",
                hopeless=trouble.hopeless if trouble else False,
            )
        return self._sent

    def _work(self) -> None:
        ends_at = time.monotonic() + TURN_SECONDS
        with reading() as session:
            frame = Frame(self._turn, get_settings(session))
        with Courier() as courier:
            while time.monotonic() < ends_at:
                self._chunk = delivery.next_chunk(self._id, self._chunk, self._reports)
                self._reports = []
                if self._chunk is None:
                    return
                self._send_chunk(frame, courier, self._chunk)

    def _send_chunk(self, frame: Frame, courier: Courier, chunk: Chunk) -> None:
        ends_at = time.monotonic() + CHUNK_SECONDS
        for addressee in chunk.addressees:
            if time.monotonic() > ends_at:
                return
            report = courier.hand_over(addressee.id, frame.letter_for(addressee))
            self._reports.append(report)
            self._sent += report.state == "sent"
