"""Text as a terminal may be given it: what would steer the terminal is written out."""

from __future__ import annotations

import re
from typing import Final

STEERING: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, with ESC and CSI; tab and line feed are none here
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of text
    r"\u2028\u2029\ud800-\udfff"  # line ends that no terminal shows, halves of characters
)
"""Characters that steer a terminal or turn the direction of text, as the inside of a pattern."""
_STEERING: Final = re.compile(f"[{STEERING}]")


def plain(text: object) -> str:
    r"""Return a text with every character that steers a terminal written as its code.

    The code is that of JSON, so that JSON stays JSON.

    Parameters
    ----------
    text
        Anything; its text is taken.

    Examples
    --------
    >>> plain("\x1b]0;title\x07A\u202eB")
    '\\u001b]0;title\\u0007A\\u202eB'
    """
    return _STEERING.sub(lambda m: f"\\u{ord(m[0]):04x}", str(text))
