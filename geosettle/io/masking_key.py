"""The secret by which `--mask` moves positions: kept by the user, never written into an output."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from geosettle.errors import OutputError

_VARIABLE: Final = "GEOSETTLE_MASK_KEY"


def mask_key() -> bytes:
    """Return the user's masking key; the first call makes one.

    Returns
    -------
    bytes
        The text of the environment variable GEOSETTLE_MASK_KEY, or else the content of
        ``geosettle/mask.key`` in the user's configuration folder (``$XDG_CONFIG_HOME``, or
        ``~/.config``), which only the user can read.

    Raises
    ------
    OutputError
        The key can be neither read nor made.
    """
    stated = os.environ.get(_VARIABLE)
    if stated:
        return stated.encode()
    path = (
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        / "geosettle"
        / "mask.key"
    )
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Exclusive and private from the first byte on: two first runs at once must not make two
            # keys.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_hex(32).encode())
        return path.read_bytes()
    except OSError as error:
        raise OutputError(
            f"the masking key cannot be read or made: {error.strerror}",
            file=str(path),
            mend=f"Set the environment variable {_VARIABLE} to a secret of 16 characters or more.",
        ) from error
