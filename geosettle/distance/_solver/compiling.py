"""Functions compiled by numba and kept on disk between runs, where there is a place to keep them.

Import it, as the modules that use it, only where something is computed: numba takes half a second.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache

_FunctionCache: Any = FunctionCache


class _Cache(_FunctionCache):  # type: ignore[misc]
    """Compiled code on disk; what cannot be read is compiled anew, what cannot be kept is not."""

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Give the compiled code of a signature, or None."""
        try:
            return super().load_overload(signature, context)
        except Exception:  # noqa: BLE001  (a file cut off or spoilt raises whatever unpickling may)
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep compiled code if the disk has room and the folder can be written."""
        with suppress(OSError):
            super().save_overload(signature, result)


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make the decorator that compiles a function without the interpreter's lock.

    Parameters
    ----------
    **options
        As for `numba.njit`.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(nogil=True, error_model="numpy", **options)(function)
        # RuntimeError: neither the package's folder nor the user's cache can be written.
        with suppress(RuntimeError):
            if _has_home():
                dispatcher._cache = _Cache(function)  # noqa: SLF001  (as `enable_caching` does)
        return dispatcher

    return decorate


def _has_home() -> bool:
    """Whether there is a folder for the user's cache; numba would make one in the working folder.

    Path.home raises RuntimeError where the user is unknown.
    """
    return "NUMBA_CACHE_DIR" in os.environ or Path.home().is_dir()
