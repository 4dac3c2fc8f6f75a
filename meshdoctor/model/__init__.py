"""The words everyone shares: immutable, typed, importing nothing of ours."""
