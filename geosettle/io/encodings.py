"""Bytes of a file as text: its encoding, found line by line where one does not fit all of it."""

# ruff: noqa: RUF001  (look-alike characters are what is handled here)

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from geosettle.errors import InputError
from geosettle.problems import Problem, problem

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOST: Final = "\ufffd"
_FEW: Final = 0.2
"""Share of the letters of a line that may be destroyed for its encoding to be believed."""
_LINES_NAMED: Final = 200
"""Lines in another encoding, or with destroyed letters, that are named at most."""


@dataclass(frozen=True)
class Decoded:
    """Text of a file.

    Parameters
    ----------
    text
        Without byte-order mark.
    encoding
        The one that most of it is in.
    odd
        Line and encoding of what was read in another one; "" where letters are destroyed.
    """

    text: str
    encoding: str
    odd: tuple[tuple[int, str], ...] = ()

    def problems(self, file: str) -> list[Problem]:
        """Damage that shows in the text, and an encoding that had to be guessed."""
        lost = "Letters of the line are destroyed."
        out = [
            problem("encoding_mixed", file=file, line=line, value=other,
                message=f"The line is not in {self.encoding} like others; it was read as {other}.")
            if other else problem("text_damaged", lost, file=file, line=line)
            for line, other in self.odd[:_LINES_NAMED]
        ]  # fmt: skip
        named = any(not other for _, other in self.odd)
        if (_LOST in self.text and not named) or "锟斤拷" in self.text or _misread(self.text):
            text = "Some letters were destroyed when the file was saved in the wrong encoding."
            out.append(problem("text_damaged", text, file=file))
        if self.encoding in {"cp1252", "cp1251", "big5"}:
            text = f"The file is not UTF-8; it was read as {self.encoding}."
            out.append(problem("encoding_guessed", text, file=file, value=self.encoding))
        return out


def decode(data: bytes, encoding: str | None = None) -> tuple[str, str]:
    """Text of a file and the encoding it was in.

    Parameters
    ----------
    data
        Bytes of the file.
    encoding
        What the user says it is; None to find out from byte-order mark and content.

    Returns
    -------
    tuple of str and str
        The text without byte-order mark, and the encoding's name.

    Raises
    ------
    InputError
        The bytes are not text, or not in the encoding stated.

    Examples
    --------
    >>> decode("名称".encode("gb18030"))
    ('名称', 'gb18030')
    """
    found = read_text(data, encoding)
    return found.text, found.encoding


def read_text(data: bytes, encoding: str | None = None) -> Decoded:
    """Text of a file as `decode`, with the lines that are damaged or in another encoding."""
    if encoding:
        return _as_stated(data, encoding)
    marked = next((name for bom, name in _BOMS if data.startswith(bom)), None)
    for name in (marked,) if marked else _guesses(data):
        try:
            text = _strictly(data, name)
        except UnicodeError:
            continue
        if "\x00" not in text:
            return Decoded(text.removeprefix("\ufeff"), name.removesuffix("-sig"))
    if marked in (None, "utf-8-sig") and not data[:4000].count(0):
        body = data.removeprefix(codecs.BOM_UTF8)
        base, score, more = _likeliest(body)
        if score > 0.5:
            return _line_by_line(body, base, more)
    raise InputError(
        "the file is not text, or in an encoding that cannot be recognised",
        mend="Save it as UTF-8, or name its encoding.",
    )


def _as_stated(data: bytes, encoding: str) -> Decoded:
    """Text in the encoding that the user states; a few destroyed letters do not refute it."""
    wrong = InputError(
        f"the file is not in the encoding {encoding}",
        mend="Leave the encoding out, or name the right one.",
    )
    try:
        name = codecs.lookup(encoding.replace("\x00", "")).name
        name = {"utf-8": "utf-8-sig"}.get(name, name)
        return Decoded(data.decode(name).removeprefix("\ufeff"), encoding)
    except LookupError as error:
        raise wrong from error
    except UnicodeError as error:
        if name.startswith(("utf-16", "utf-32")):
            raise wrong from error
    found = _line_by_line(data.removeprefix(codecs.BOM_UTF8), name.removesuffix("-sig"), ())
    foreign = sum(not line.isascii() for line in data.splitlines())
    if len(found.odd) > 0.5 * foreign:
        raise wrong
    return Decoded(found.text, encoding, found.odd)


def _line_by_line(data: bytes, base: str, more: tuple[str, ...]) -> Decoded:
    """Text of which each line is in the usual encoding, else in another, else partly destroyed."""
    texts, odd = [], []
    lines = data.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        name = base
        try:
            texts.append(_strictly(line, base) if number == len(lines) else line.decode(base))
            continue
        except UnicodeError:
            text = line.decode(base, "replace")
        if _share_lost(text) > _FEW:
            for other in more:
                try:
                    text, name = line.decode(other), other
                    break
                except UnicodeError:
                    continue
        texts.append(text)
        odd.append((number, "" if name == base else name))
    return Decoded("".join(texts).removeprefix("\ufeff"), base, tuple(odd))


def _share_lost(text: str) -> float:
    """Share of the letters beyond ASCII that are destroyed."""
    beyond = [c for c in text if ord(c) > 127]
    return beyond.count(_LOST) / max(len(beyond), 1)


def _likeliest(data: bytes) -> tuple[str, float, tuple[str, ...]]:
    """Find the encoding of most lines, how well it fits (0 to 1), and those of other lines."""
    foreign = [line for line in data.splitlines() if not line.isascii()]
    fits = [_share_lost(line.decode("utf-8", "replace")) <= _FEW for line in foreign]
    rest = b"\n".join(line for line, good in zip(foreign, fits, strict=True) if not good)
    scores = _scores(rest if any(fits) else data)
    best = max(scores, key=lambda name: scores[name])
    if foreign and sum(fits) >= 0.5 * len(foreign):
        return "utf-8", 1.0, (best,) if scores[best] > 0.5 else ()
    return best, scores[best], ("utf-8",)


def _strictly(data: bytes, encoding: str) -> str:
    """Decode bytes; of a file that was cut in the middle of its last letter, all but that one."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4 or error.start == 0:
            raise
        return data[: error.start].decode(encoding)


def _guesses(data: bytes) -> tuple[str, ...]:
    """Return encodings to try, most telling first."""
    zeros = data[:4000].count(0)
    if zeros:
        even = data[:4000:2].count(0)
        return ("utf-16-be", "utf-16-le") if even > zeros / 2 else ("utf-16-le", "utf-16-be")
    try:
        _strictly(data, "utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return ("utf-8",)
    if _likeliest(data)[0] == "utf-8":
        return ()
    scores = _scores(data)
    best = max(scores, key=lambda name: scores[name])
    return (best,) if scores[best] > 0.5 or best == "cp1252" else ()


def _scores(data: bytes) -> dict[str, float]:
    """Score how common the letters beyond ASCII are in the language of each encoding, 0 to 1.

    Letters of the Latin alphabet with accents are among plain ones; Chinese and Cyrillic come in
    whole words.
    """
    return {name: _everyday(data, name) for name in ("gb18030", "big5", "cp1251", "cp1252")}


def _everyday(data: bytes, encoding: str) -> float:
    """Score how common the characters beyond ASCII are in an encoding's language, 0 to 1."""
    try:
        # A letter that was cut says nothing against an encoding of several bytes a letter.
        text = data.decode(encoding, "strict" if encoding.startswith("cp") else "replace")
    except UnicodeError:
        return 0.0
    beyond = [c for c in text if ord(c) > 127]
    if not beyond:
        return 0.0
    if encoding == "cp1252":
        words = [w for w in re.findall(r"\w+", text) if not w.isascii()]
        mixed = sum(not re.search(r"[^\x00-\x7f]{3,}", w) for w in words)
        letters = sum(c.isalpha() or c in "’“”–—°²³º€«»" for c in beyond)
        return min(letters / len(beyond), (mixed + 0.1) / (len(words) + 0.1))
    return sum(_commonness(c, encoding) for c in beyond) / len(beyond)


def _commonness(character: str, encoding: str) -> float:
    """Score how common a character is in a Chinese character set or in Cyrillic, 0 to 1.

    The first half of a Chinese character set is the commoner one.
    """
    if encoding == "cp1251":
        return 0.9 if "А" <= character <= "я" or character in "ЁёІіҚқ" else 0.0
    code = character.encode("gb2312" if encoding == "gb18030" else encoding, "ignore")
    if len(code) != 2:
        return 0.0
    common, rarer = (
        ((0xB0, 0xD7), (0xD8, 0xF7)) if encoding == "gb18030" else ((0xA4, 0xC6), (0xC9, 0xF9))
    )
    if 0xA1 <= code[0] <= 0xA3 or common[0] <= code[0] <= common[1]:
        return 1.0
    return 0.5 if rarer[0] <= code[0] <= rarer[1] else 0.0


def _misread(text: str) -> bool:
    """Whether runs of accented letters are UTF-8 that was once read as Latin text and saved so."""
    for run in set(re.findall(r"[^\x00-\x7f]{2,}", text[:1_000_000])):
        for encoding in ("cp1252", "latin-1"):
            try:
                run.encode(encoding).decode("utf-8")
            except UnicodeError:
                continue
            return True
    return False
