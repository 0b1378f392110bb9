"""Text of addresses and back: every value survives, and anything else is refused."""

import zlib

import numpy as np
import pytest

from ui.shell import codecs


def test_bytes_survive_as_text_that_an_address_may_hold():
    rng = np.random.default_rng(0)
    for size in range(12):
        raw = rng.bytes(size)
        plain, short = codecs.to_text(raw), codecs.deflate(raw)
        assert codecs.from_text(plain) == raw == codecs.inflate(short, 12)
        assert all(c in "-_" or c.isalnum() and c.isascii() for c in plain + short)


@pytest.mark.parametrize("text", ["a", "ab*d", "ab d", "\u00e9\u00e9\u00e9\u00e9", "AAAAA"])
def test_other_text_is_no_base64url(text):
    with pytest.raises(ValueError, match="^expected base64url text"):
        codecs.from_text(text)
    with pytest.raises(ValueError, match="^expected base64url text"):
        codecs.inflate(text, 100)


def test_what_was_not_compressed_is_refused_and_what_unfolds_is_cut():
    with pytest.raises(ValueError, match="^expected zlib-compressed bytes"):
        codecs.inflate(codecs.to_text(b"plain bytes"), 100)
    assert codecs.inflate(codecs.deflate(b"\0" * 10**6), 5) == b"\0" * 6
    cut = codecs.to_text(zlib.compress(b"a drawing")[:-6])
    assert len(codecs.inflate(cut, 100)) < 9


def test_a_whole_number_is_plain_digits_below_the_limit():
    assert [codecs.whole(text, 7) for text in ("0", "6", "006")] == [0, 6, 6]
    assert [codecs.whole(text, 7) for text in ("7", "-1", "1.0", " 1", "")] == [None] * 5


@pytest.mark.parametrize("text", ["\u0663", "\u00b2", "1" * 5000, "1_0", "0x1"])
def test_other_digits_are_no_whole_number(text):
    assert codecs.whole(text, 10**9) is None


def test_a_number_lies_within_its_bounds():
    assert [codecs.number(text, -2, 3) for text in ("0.5", "-2", "1e-3", "3")] == [0.5, -2.0, 0.001, 3.0]
    assert [codecs.number(text, -2, 3) for text in ("3.01", "-2.5", "nan", "inf", "x", "")] == [None] * 6
