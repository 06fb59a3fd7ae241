"""What a terminal or a notebook is shown: text without controls, and the step that runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

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


@contextmanager
def steps(progress: Callable[[str], None] | None = None) -> Iterator[Callable[[str], None]]:
    """Yield what is called with a few words before each step.

    Parameters
    ----------
    progress
        Of the caller. None: in a notebook a line shows the step that runs, until all is done;
        elsewhere nothing is shown.

    Examples
    --------
    >>> with steps(print) as step:
    ...     step("reading")
    reading
    """
    line = None if progress else _line()
    if line is None:
        yield progress or (lambda _: None)
        return
    try:
        yield lambda text: line.update({"text/plain": f"{plain(text)} ..."}, raw=True)
    finally:
        line.update({"text/plain": ""}, raw=True)


def _line() -> Any:
    """Return a line of a notebook that can be replaced; None outside of notebooks."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    shown = sys.modules.get("IPython.display")
    if shown is None or getattr(shell, "kernel", None) is None:
        return None
    return shown.display({"text/plain": ""}, raw=True, display_id=True)
