"""Read a live cluster: collectors read, they never judge; nothing is ever written to it."""
