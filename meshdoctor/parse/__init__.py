"""Bytes of one file to one part of the model; used by recordings and live collection alike."""
