"""Drills: a broken mesh that moves when the candidate edits it, and what grades the mending."""
