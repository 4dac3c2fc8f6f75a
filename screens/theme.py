"""Colours by role, from the Okabe-Ito palette: told apart without red and green."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="meshdoctor-dark",
    primary="#56B4E9",
    secondary="#0072B2",
    accent="#CC79A7",
    foreground="#E4E4E4",
    background="#121212",
    surface="#1A1A1A",
    panel="#242424",
    error="#D55E00",
    warning="#F0E442",
    success="#56B4E9",
    dark=True,
    variables={
        "md-muted": "#9A9A9A",
        "md-frame": "#4A4A4A",
        "footer-key-foreground": "#56B4E9",
        "footer-background": "#242424",
    },
)
LIGHT = Theme(
    name="meshdoctor-light",
    primary="#0072B2",
    secondary="#56B4E9",
    accent="#8B3A6B",
    foreground="#1A1A1A",
    background="#FFFFFF",
    surface="#F5F5F5",
    panel="#E8E8E8",
    error="#A63A00",
    warning="#7A5B00",
    success="#0072B2",
    dark=False,
    variables={
        "md-muted": "#6B6B6B",
        "md-frame": "#B4B4B4",
        "footer-key-foreground": "#0072B2",
        "footer-background": "#E8E8E8",
    },
)
