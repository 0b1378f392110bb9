"""What goes through an address as text, and back: bytes, compressed or not, and numbers; as in ui/widgets/codecs.js."""

import base64
import binascii
import math
import zlib

DIGITS = 10  # of a whole number; more would take long to read


def to_text(raw: bytes) -> str:
    """Return bytes as base64url without its padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def from_text(text: str) -> bytes:
    """Return the bytes that `to_text` wrote; ValueError for any other text."""
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise ValueError("expected base64url text; this is something else.") from error


def deflate(raw: bytes) -> str:
    """Return bytes compressed by zlib as text."""
    return to_text(zlib.compress(raw, 9))


def inflate(text: str, most: int) -> bytes:
    """Return the bytes that `deflate` wrote, and never more than one above `most`; ValueError for any other text."""
    try:
        return zlib.decompressobj().decompress(from_text(text), most + 1)
    except zlib.error as error:
        raise ValueError("expected zlib-compressed bytes; this is something else.") from error


def whole(text: str, below: int) -> int | None:
    """Return the whole number from 0 that a text says in plain digits; None unless it is less than `below`."""
    plain = text.isascii() and text.isdigit() and len(text) < DIGITS
    return int(text) if plain and int(text) < below else None


def number(text: str, least: float, most: float) -> float | None:
    """Return the number that a text says; None unless it lies between `least` and `most`."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and least <= value <= most else None
