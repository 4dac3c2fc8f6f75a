"""Playbooks, causes and log lines: data with a schema; ``meshdoctor.diagnose`` reads them."""
