"""What is raised when something would be sent that meshdoctor never sends."""

from __future__ import annotations

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.read_reasons import one_line
from meshdoctor.model.not_read import NotReadStatus


class WriteRefused(ReadError):  # noqa: N818 - it is a refusal, and named as one
    """Refused by meshdoctor itself, before a byte was sent: it only reads, and only what it knows.

    A ReadError, so that a fault of ours costs one unread input and not the diagnosis.
    """

    def __init__(self, what: str) -> None:
        """Say what was refused.

        Args:
            what: the request, without its values.
        """
        reason = one_line(f"meshdoctor does not send {what}: it is not on the list of reads")
        super().__init__(NotReadStatus.FAILED, reason)
