"""The JSON reader: the values that Python reads, and errors for invalid JSON."""

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koemorph import _native

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def same(found: object, expected: object) -> bool:
    if isinstance(expected, float):
        return isinstance(found, float) and abs(found - expected) <= 2 * math.ulp(expected)
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(map(same, found, expected))
        )
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(same(found[key], expected[key]) for key in expected)
    return found == expected


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_reads_what_python_writes(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert same(_native.testing.parse_json(text.encode("utf-8", "surrogatepass")), value)


@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_rejected_or_read_like_python_does(text: bytes) -> None:
    try:
        value = _native.testing.parse_json(text)
    except ValueError:
        return
    assert same(value, json.loads(text, parse_int=float))


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("", "line 1, column 1", "value"),
        ('{"a": 1,}', "line 1, column 9", "name"),
        ('{\n "a" 1}', "line 2, column 6", "colon"),
        ("[1 2]", "line 1, column 4", "comma"),
        ('{"a": 1, "a": 2}', "line 1, column 13", '"a"'),
        ("[NaN]", "line 1, column 5", "NaN"),
        ("[-Infinity]", "line 1, column 3", "digit"),
        ("[1e999]", "line 1, column 7", "too large"),
        ("01", "line 1, column 2", "0"),
        ("1.", "line 1, column 3", "decimal point"),
        ('"\\x"', "line 1, column 3", "escape"),
        ('"\\ud800"', "line 1, column 8", "surrogate"),
        ('"abc', "line 1, column 5", "string"),
        ('"\n"', "line 1, column 2", "control character"),
        ("1 1", "line 1, column 3", "after the value"),
        ("// no", "line 1, column 1", "value"),
        ("[" * 40, "line 1, column 18", "nested"),
    ],
)
def test_invalid_text_is_rejected_with_position_and_reason(text: str, where: str, why: str) -> None:
    with pytest.raises(ValueError, match=r".*") as caught:
        _native.testing.parse_json(text.encode())
    assert where in str(caught.value)
    assert why in str(caught.value)


def test_invalid_utf8_and_huge_texts_are_rejected() -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        _native.testing.parse_json(b'"\xff"')
    with pytest.raises(ValueError, match="UTF-8"):
        _native.testing.parse_json(b'"\xed\xa0\x80"')
    with pytest.raises(ValueError, match="1 MiB"):
        _native.testing.parse_json(b" " * (1 << 20) + b"1")


def test_a_leading_byte_order_mark_is_skipped() -> None:
    assert _native.testing.parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1.0}
    with pytest.raises(ValueError, match="line 1, column 1"):
        _native.testing.parse_json(b"\xef\xbb\xbf\xef\xbb\xbf1")


def test_the_longest_object_is_read_in_linear_time() -> None:
    members = {f"{i:06}": 0 for i in range(90_000)}
    text = json.dumps(members, separators=(",", ":")).encode()
    begin = time.process_time()
    assert len(_native.testing.parse_json(text)) == len(members)
    assert time.process_time() - begin < 2


def test_tiny_numbers_become_zero_and_long_ones_keep_their_size() -> None:
    assert _native.testing.parse_json(b"1e-999") == 0.0
    assert _native.testing.parse_json(b"-0.5e1") == -5.0
    long = b"123456789012345678901234567890.5"
    assert same(_native.testing.parse_json(long), float(long))
