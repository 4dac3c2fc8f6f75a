"""What both ends of the private path know."""

from __future__ import annotations

CONTROL_ROOT = "/meshdoctor/"
"""No path of the Kubernetes API begins so."""


class ControlError(ValueError):
    """What was asked cannot be answered; the message is one line."""
