"""The app: one session looked at through screens, with workers that read, diagnose and record."""

from __future__ import annotations

from meshdoctor.app.mesh_app import MeshdoctorApp

__all__ = ["MeshdoctorApp"]
