"""A live mesh as a source: what is collected is redacted, then assembled or recorded."""
