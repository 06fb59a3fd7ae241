"""How a call is read: help with examples, hints for misspelt words, completion in the shell."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn

from geosettle.cli.streams import show, warn

WRONG: Final = 2
EXAMPLES: Final = {
    "run": (
        "geosettle run my_study -o out",
        "geosettle run sites.xlsx boundaries.zip -o out",
        "geosettle run sites.xlsx --sheet sites:Sites --header-row sites:3 -o out",
    ),
    "check": (
        "geosettle check my_study",
        "geosettle check sites.xlsx --role sites",
        "geosettle check dem.tif --at sites.csv",
    ),
    "init": (
        "geosettle init my_study sites.xlsx boundaries.zip",
        "geosettle init my_study",
        "geosettle init my_study sites.xlsx --fetch",
    ),
    "fetch": (
        "geosettle fetch my_study --plan",
        "geosettle fetch my_study",
        "geosettle fetch --bbox 79 36 80 37 --layers dem worldcover_2021 -o box",
    ),
    "map": ("geosettle map my_study -o map.html", "geosettle map out --lang zh -o map.html"),
    "qgis": ("geosettle qgis install", "geosettle qgis remove --profile field_work"),
    "diff": ("geosettle diff out_2024 out_2025",),
    "distances": (
        "geosettle distances --origins villages.csv --sites sites.csv --flows moves.csv -o d.xlsx",
        "geosettle distances --origins villages.csv --sites sites.csv --nearest 3 -o lines.gpkg",
        "geosettle distances --origins villages.csv --sites sites.csv --metric walk --dem dem.tif",
    ),
    "reach": (
        "geosettle reach --sites sites.csv --dem dem.tif --hours 0.5 1 2 -o reach",
        "geosettle reach --sites clinics.csv --dem dem.tif --roads roads.gpkg --population pop.tif",
    ),
    "overlay": (
        "geosettle overlay --zones sites.csv --buffer-km 5 --cover landcover.tif -o land.csv",
        "geosettle overlay --zones districts.gpkg --cover parcels.gpkg --by kind",
    ),
}
"""Calls that the help of each command shows."""


class _Help(argparse.HelpFormatter):
    """Folds texts, but keeps the lines of examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return "\n".join(indent + line for line in text.splitlines())
        return super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one line, with the nearest word that is known.

    Parameters
    ----------
    **options
        As of `argparse.ArgumentParser`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Help, **options)

    def error(self, message: str) -> NoReturn:
        """End the program with one message."""
        end = "" if message.endswith("?") else "."
        warn(f"{message.removeprefix('argument ')}{end} See {self.prog} --help.")
        self.exit(WRONG)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = list(map(str, action.choices or ()))
        if action.choices is None or value in action.choices:
            return
        name = (
            action.metavar if isinstance(action.metavar, str) else "/".join(action.option_strings)
        )
        self.error(f"{name}: there is no {value!r}; {_nearest(str(value), choices)}")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse; what no option of this command is called is refused here, where they are known."""
        found, rest = super().parse_known_args(args, namespace)
        if rest and not any(isinstance(a, argparse._SubParsersAction) for a in self._actions):  # noqa: SLF001
            options = [word for word in rest if word.startswith("-")]
            if not options:
                self.error(f"too much is given: {' '.join(rest)}")
            known = [text for a in self._actions for text in a.option_strings]
            hint = _nearest(options[0].partition("=")[0], known, every=False)
            self.error(f"there is no option {options[0]}" + (f"; {hint}" if hint else ""))
        return found, rest


def _nearest(word: str, known: Iterable[str], *, every: bool = True) -> str:
    """Hint which known words a word is near to; else all of them, if asked for."""
    choices = list(known)
    if near := difflib.get_close_matches(word, choices, n=2, cutoff=0.6):
        return f"did you mean {' or '.join(near)}?"
    return f"choose from {', '.join(choices)}" if every else ""


def examples_of(name: str) -> str:
    """Give the examples of a command, as the end of its help.

    Parameters
    ----------
    name
        The command.
    """
    return "examples:\n" + "\n".join(f"  {line}" for line in EXAMPLES[name])


class Completion(argparse.Action):
    """Print what makes a shell complete commands and options; see `--print-completion`."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Print and end."""
        import shtab  # noqa: PLC0415

        del namespace, option_string
        show(shtab.complete(parser, shell=str(values)))
        parser.exit()
