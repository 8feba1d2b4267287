"""Bytes of a picture file to pixels and back: decoders and their limits, archives, previews, exports, sidecars."""
