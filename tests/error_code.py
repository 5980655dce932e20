"""Assertion of KoeMorph's error codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from koemorph.errors import KoemorphError


@contextmanager
def raises_code(error: type[KoemorphError], code: str, *values: object) -> Iterator[None]:
    """Expect an error of a type and code whose message contains some values."""
    with pytest.raises(error) as caught:
        yield
    assert caught.value.code == code, caught.value
    for value in values:
        assert re.search(re.escape(str(value)), str(caught.value)), caught.value
