"""Geometries inside geometries: how deep, before a reader that calls itself meets them."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

DEEPEST: Final = 20
"""Brackets or collections inside each other that are read; no data need more than seven."""
NESTED: Final = f"geometries are nested more than {DEEPEST} deep"
_POINT, _LINE, _POLYGON = 1, 2, 3
_HEADER: Final = 9
"""Bytes of a collection before what is in it: byte order, type and count."""
_COLLECTIONS: Final = range(4, 8)


def is_nested(content: str | bytes | None) -> bool:
    """Whether well-known text or binary, or JSON, is nested deeper than is read.

    Parameters
    ----------
    content
        Text, also binary in hexadecimal digits; bytes of well-known binary; None is not nested.

    Examples
    --------
    >>> is_nested("GEOMETRYCOLLECTION(" * 30 + "POINT(1 2)" + ")" * 30)
    True
    >>> is_nested("MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))"), is_nested(None)
    (False, False)
    """
    if content is None:
        return False
    if isinstance(content, str):
        if content[:1] in "0123456789" and "(" not in content and "[" not in content:
            try:
                return _is_binary_nested(bytes.fromhex(content))
            except ValueError:
                return False
        if sum(map(content.count, "([{")) <= DEEPEST:
            return False
        letters = np.frombuffer(content.encode("utf-8", "replace"), dtype=np.uint8)
        step = np.isin(letters, list(b"([{")).astype(np.int32) - np.isin(letters, list(b")]}"))
        return bool(np.cumsum(step).max(initial=0) > DEEPEST)
    return _is_binary_nested(content)


def _is_binary_nested(raw: bytes) -> bool:
    """Whether collections are inside each other deeper than is read; damaged ones are not."""
    if len(raw) <= _HEADER * DEEPEST:  # too short for so many headers
        return False
    left: list[int] = []
    """Geometries still to come in each collection that is open."""
    at = 0
    try:
        while len(left) <= DEEPEST:
            at, inside = _after(raw, at)
            left += [inside] if inside else []
            while not inside and left:
                left[-1] -= 1
                inside = left[-1]
                left = left if inside else left[:-1]
            if not left:
                return False
    except (struct.error, IndexError, ValueError):
        return False
    return True


def _after(raw: bytes, at: int) -> tuple[int, int]:
    """Where the next geometry begins, and how many are inside the one that begins here."""
    order = "<" if raw[at] == 1 else ">"
    (code,) = struct.unpack_from(order + "I", raw, at + 1)
    iso, kind = divmod(code & 0x1FFFFFFF, 1000)
    wide = 8 * (2 + bool(code & 0x80000000) + bool(code & 0x40000000) + (iso + 1) // 2)
    at += 9 if code & 0x20000000 else 5
    if kind == _POINT:
        return at + wide, 0
    (count,) = struct.unpack_from(order + "I", raw, at)
    at += 4
    if kind == _LINE:
        return at + count * wide, 0
    if kind == _POLYGON:
        for _ in range(count):
            at += 4 + struct.unpack_from(order + "I", raw, at)[0] * wide
        return at, 0
    if kind not in _COLLECTIONS:
        raise ValueError(kind)
    return at, count
