"""Text of a file: its encoding, and delimited text as rows of cells."""

# ruff: noqa: RUF001  (look-alike characters are what is handled here)

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from geosettle.errors import InputError
from geosettle.io.headers import known_cells
from geosettle.io.source import Source
from geosettle.io.tables import table_from_records
from geosettle.problems import Problem, problem

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = ",\t;|"
_HEADER_SEARCH: Final = 30
"""Rows at the top of a table among which the header is looked for."""


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
    marked = next((name for bom, name in _BOMS if data.startswith(bom)), None)
    if encoding:
        try:
            name = codecs.lookup(encoding).name
            name = {"utf-8": "utf-8-sig"}.get(name, name)
            return data.decode(name).removeprefix("\ufeff"), encoding
        except (LookupError, UnicodeError) as error:
            raise InputError(
                f"the file is not in the encoding {encoding}",
                mend="Leave the encoding out, or name the right one.",
            ) from error
    guesses = (marked,) if marked else _guesses(data)
    for name in guesses:
        try:
            text = _decoded(data, name)
        except UnicodeError:
            continue
        if "\x00" in text:
            continue
        return text.removeprefix("\ufeff"), name.removesuffix("-sig")
    raise InputError(
        "the file is not text, or in an encoding that cannot be recognised",
        mend="Save it as UTF-8, or name its encoding.",
    )


def _decoded(data: bytes, encoding: str) -> str:
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
        _decoded(data, "utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return ("utf-8",)
    scores = {name: _everyday(data, name) for name in ("gb18030", "big5", "cp1251")}
    best = max(scores, key=lambda name: scores[name])
    latin = _everyday(data, "cp1252")
    # Letters of the Latin alphabet with accents stand among plain ones; Chinese and Cyrillic come
    # in whole words.
    return ("cp1252",) if latin > scores[best] else (best,) if scores[best] > 0.5 else ()


def _everyday(data: bytes, encoding: str) -> float:
    """Score how common the characters beyond ASCII are in an encoding's language, 0 to 1."""
    try:
        text = _decoded(data, encoding)
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


def read_text_table(
    data: bytes,
    file: str,
    *,
    names: Collection[str] = (),
    encoding: str | None = None,
    tab: bool = False,
    header_row: int | None = None,
) -> Source:
    """Cells of a delimited text file.

    Parameters
    ----------
    data
        Bytes of the file.
    file
        Name for messages.
    names
        Plain column names that a header may have, to find it below title lines.
    encoding
        As for `decode`.
    tab
        Whether the extension says that tabs delimit.
    header_row
        Line of the header, as the user says.

    Raises
    ------
    InputError
        Not text, unbalanced quotes, or no row at all.
    """
    text, used = decode(data, encoding)
    text = text.rstrip("\x1a")  # the end-of-file mark of DOS programs
    lines = text.splitlines()[:1]
    declared = re.match(r"\s*sep=(.)\s*$", lines[0], re.IGNORECASE) if lines else None
    delimiter = declared[1] if declared else _delimiter(text, names, tab=tab)
    records, starts, loose = _records(text, delimiter, file)
    if declared:
        records, starts = records[1:], starts[1:]
    source = table_from_records(
        records, starts, file, names=names, header_row=header_row,
        cut_off=bool(text) and text[-1] not in "\r\n",
    )  # fmt: skip
    extra = _text_problems(text, used, file)
    if loose:
        said = f"Quotation marks do not pair on {len(loose)} line(s) and were read as letters."
        extra.append(problem("quotes_kept", said, file=file, line=loose[0]))
    return replace(
        source, format="CSV", encoding=used, delimiter=delimiter,
        problems=(*extra, *source.problems),
    )  # fmt: skip


def _text_problems(text: str, encoding: str, file: str) -> list[Problem]:
    """Damage that shows in the text itself, and an encoding that had to be guessed."""
    out = []
    if "\ufffd" in text or "锟斤拷" in text or _misread(text):
        out.append(
            problem("text_damaged", file=file,
                message="Some letters were destroyed when the file was saved in the wrong "
                        "encoding.",
                mend="Save it again from the original as UTF-8.",
            ),
        )  # fmt: skip
    if encoding in {"cp1252", "cp1251", "big5"}:
        out.append(
            problem("encoding_guessed", file=file, value=encoding,
                message=f"The file is not UTF-8; it was read as {encoding}.",
                mend="Save it as UTF-8, or name its encoding.",
            ),
        )  # fmt: skip
    return out


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


def _delimiter(text: str, names: Collection[str], *, tab: bool) -> str:
    """Return the delimiter that splits a line into the most names of columns.

    Else the one that splits the lines into the same, largest number of fields.
    """
    lines = [line for line in text[:50_000].splitlines()[:_HEADER_SEARCH] if line.strip()]
    known = {
        mark: max(
            (known_cells(_fields(line, mark), names) for line in lines if mark in line), default=0
        )
        for mark in _DELIMITERS
    }
    best = max(known.values())
    leading = [mark for mark in _DELIMITERS if known[mark] == best]
    if best >= 2 and len(leading) == 1:
        return leading[0]
    sample = [line for line in _unquoted(text[:50_000]).splitlines() if line.strip()][:50]

    def score(mark: str) -> tuple[float, int]:
        counts = Counter(line.count(mark) for line in sample)
        fields, lines = max(
            ((n, k) for n, k in counts.items() if n), default=(0, 0), key=lambda item: item[1]
        )
        return (lines / max(len(sample), 1) if fields else 0.0, fields)

    if tab and score("\t")[1]:
        return "\t"
    usual = max(
        _DELIMITERS,
        key=lambda mark: (min(score(mark)[0], 0.9) + (mark in "\t;") * 0.05, score(mark)[1]),
    )
    return usual if score(usual)[1] else ("\t" if tab else ",")


def _fields(line: str, delimiter: str) -> list[str]:
    """Fields of one line, its quotation marks taken as letters if they do not pair."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return line.split(delimiter)


def _unquoted(text: str) -> str:
    return re.sub(r'"(?:[^"]|"")*"', "", text)


def _records(text: str, delimiter: str, file: str) -> tuple[list[list[str]], list[int], list[int]]:
    """Return records that are not blank, the line each starts on, and lines with odd marks.

    In these lines the quotation marks are letters.
    """
    csv.field_size_limit(10_000_000)
    if delimiter in "\t|":
        records, starts, loose = _line_by_line(text, delimiter)
        if loose:
            return records, starts, loose
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records, starts, line = [], [], 1
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                records.append(record)
                starts.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        kept = _line_by_line(text, delimiter)
        if kept[2]:
            return kept
        raise InputError(
            f"quotation marks do not balance from line {line} on ({error})",
            file=file,
            mend='Put text that holds quotation marks in quotation marks, doubling them: "the '
            '""new"" village".',
        ) from error
    return records, starts, []


def _line_by_line(text: str, delimiter: str) -> tuple[list[list[str]], list[int], list[int]]:
    """Read every line as a record; return also lines whose quotation marks do not pair.

    Only if those are letters, not the marks of a field over several lines.
    """
    lines = re.split(r"\r\n|[\r\n]", text)
    loose = [n for n, line in enumerate(lines, 1) if '"' in line and not _pairs(line, delimiter)]
    if not loose:
        return [], [], []
    usual = Counter(len(_fields(line, delimiter)) for line in lines if line.strip())
    width = max(usual, key=lambda n: (usual[n], n))
    if any(len(lines[n - 1].split(delimiter)) != width for n in loose):
        return [], [], []
    kept = [
        (n, _fields(line, delimiter))
        for n, line in enumerate(lines, 1)
        if line.strip(f" {delimiter}")
    ]
    return [record for _, record in kept], [n for n, _ in kept], loose


def _pairs(line: str, delimiter: str) -> bool:
    """Whether the quotation marks of a line enclose whole fields."""
    try:
        next(csv.reader([line], delimiter=delimiter, strict=True), None)
    except csv.Error:
        return False
    return True
