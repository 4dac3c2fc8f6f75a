"""Recordings: a mesh as it was at one moment, read from a folder or an archive."""
