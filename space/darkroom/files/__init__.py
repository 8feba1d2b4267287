"""Bytes of a picture file to pixels: decoders and their limits, archives; and tables and sidecars that travel."""
