"""Two snapshots compared: what changed, and which changes explain what is wrong now."""
