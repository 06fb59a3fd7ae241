"""The claims ledger: what a source claims, what the layers give, and the verdict.

A claim names a subject and a quantity; `QUANTITIES` says how the quantity is computed from the
layers. The verdict follows from two intervals, that of the printed figure (see `claimed_range`; or
the stated relative tolerance where that is wider) and that of the computed one, and never from a
fit. A figure that reached the layers from the claim itself, or from another declaration, confirms
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from geosettle.claims.evidence import Computed, Evidence, Quantity, show
from geosettle.claims.printed_numbers import claimed_range, printed_tolerance, to_float, unit_factor
from geosettle.claims.quantities import QUANTITIES, quantity_of
from geosettle.reasons import join, reason, rendered

__all__ = [
    "QUANTITIES",
    "VERDICTS",
    "Computed",
    "Evidence",
    "Quantity",
    "claimed_range",
    "judge_claims",
    "printed_tolerance",
    "unit_factor",
]

VERDICTS: Final = ("agrees", "differs", "cannot be decided", "not computable")

LEDGER_COLUMNS: Final = ("computed", "computed_unit", "layer", "difference", "verdict", "why")


@rendered
def judge_claims(
    claims: pd.DataFrame | None,
    evidence: Evidence,
    *,
    relative_tolerance: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Hold every claim against the layers.

    Parameters
    ----------
    claims
        Columns `subject, quantity, value, unit` and any others (kept as they are). None gives an
        empty ledger.
    evidence
        The frames to compute from.
    relative_tolerance
        Quantity to the share of the claimed value within which two figures agree, where that is
        wider than half a unit of the last printed digit: for quantities whose definition itself
        leaves room. Default: none.

    Returns
    -------
    DataFrame
        The claims' own columns, then `computed` (text, number or name), `computed_unit, layer,
        difference` (computed less claimed, where both are numbers), `verdict` (one of VERDICTS) and
        `why`.

    Examples
    --------
    >>> sites = pd.DataFrame(
    ...     {"households": [10.0, 5.0], "scope": ["study", "study"]}, index=["A", "B"]
    ... )
    >>> claims = pd.DataFrame(
    ...     {"subject": ["programme"], "quantity": ["households"], "value": ["12"]}
    ... )
    >>> judge_claims(claims, Evidence(sites=sites))[
    ...     ["computed", "difference", "verdict"]
    ... ].values.tolist()
    [['15', 3.0, 'differs']]
    """
    if claims is None:
        return pd.DataFrame(columns=["subject", "quantity", "value", "unit", *LEDGER_COLUMNS])
    tolerances = relative_tolerance or {}
    rows = [_judge(claim, evidence, tolerances) for claim in claims.to_dict("records")]
    ledger = pd.DataFrame(rows, columns=list(LEDGER_COLUMNS), index=claims.index)
    ledger["difference"] = ledger["difference"].astype(float)
    return pd.concat(
        [claims.drop(columns=[c for c in LEDGER_COLUMNS if c in claims]), ledger], axis=1
    )


def _judge(
    claim: Mapping[Any, Any], evidence: Evidence, tolerances: Mapping[str, float]
) -> dict[str, Any]:
    """Verdict of one claim.

    A value read out of damaged print is marked as a reading, whatever the verdict.
    """
    made = _verdict(claim, evidence, tolerances)
    if str(claim.get("value_basis")) == "interpreted":
        made["why"] = join(made["why"], reason("damaged_reading"))
    return made


def _verdict(
    claim: Mapping[Any, Any], evidence: Evidence, tolerances: Mapping[str, float]
) -> dict[str, Any]:
    quantity = quantity_of(str(claim["quantity"]), evidence)
    claimed = None if pd.isna(claim["value"]) else str(claim["value"])
    if quantity is None:
        lost = _lost(claim) if claimed is None else ""
        return _row(None, None, "not computable", join(lost, reason("not_in_layers")))
    found = quantity.function(evidence, claim)
    if found.value is None:
        return _row(found, None, "not computable", found.why or reason("not_in_layers"))
    if claimed is None:
        why = _lost(claim) or found.circular or reason("no_claimed_value")
        return _row(found, None, "cannot be decided", join(why, found.why))
    return _compared(
        claim, claimed, (quantity, found), evidence, tolerances.get(quantity.name, 0.0)
    )


def _compared(
    claim: Mapping[Any, Any],
    claimed: str,
    computed: tuple[Quantity, Computed],
    evidence: Evidence,
    share: float,
) -> dict[str, Any]:
    """Verdict where something is claimed and something computed."""
    quantity, found = computed
    numbers = _claimed_numbers(claim, claimed, room=0.5 if quantity.counted else None, share=share)
    if numbers is None or found.value is None or isinstance(found.value, str):
        if found.circular:
            return _row(found, None, "cannot be decided", join(found.circular, found.why))
        return _row(found, None, *_texts(evidence, claimed, found))
    factor = unit_factor(str(claim.get("unit", "")), found.unit)
    if factor is None:
        why = reason("units_differ", claimed=str(claim["unit"]), computed=found.unit)
        return _row(found, None, "cannot be decided", join(why, found.why))
    low, high, value = (end * factor for end in numbers)
    difference = found.value - value
    if found.circular:
        return _row(found, difference, "cannot be decided", join(found.circular, found.why))
    verdict, why = _numbers((low, high), found)
    if verdict == "differs" and value and np.isfinite(high):
        side = "computed_more" if difference > 0 else "computed_less"
        why = join(reason(side, percent=show(100 * abs(difference / value))), why)
    return _row(found, difference, verdict, why)


def _claimed_numbers(
    claim: Mapping[Any, Any], claimed: str, *, room: float | None, share: float
) -> tuple[float, float, float] | None:
    """Numbers that a claim allows.

    Words such as "more than" may be in what was printed and not in the value.
    """
    numbers = claimed_range(claimed, room=room, share=share)
    printed = claim.get("as_printed")
    if numbers is None or to_float(claimed) is None or not isinstance(printed, str):
        return numbers
    words = claimed_range(printed, room=room, share=share)
    return (
        words
        if words is not None and words[2] == numbers[2] and to_float(printed) is None
        else numbers
    )


def _numbers(claimed: tuple[float, float], found: Computed) -> tuple[str, str]:
    """Verdict and reason from the interval claimed and the interval computed."""
    value = float(found.value or 0.0)
    low, high = (value if end is None else end for end in (found.low, found.high))
    if low >= claimed[0] and high <= claimed[1]:
        return "agrees", found.why
    if high < claimed[0] or low > claimed[1]:
        return "differs", found.why
    ends = (
        reason("computed_range", low=show(low), high=show(high))
        if np.isfinite(high)
        else reason("computed_least", low=show(low))
    )
    return "cannot be decided", join(ends, found.why)


def _texts(evidence: Evidence, claimed: str, found: Computed) -> tuple[str, str]:
    """Verdict for names and directions.

    These are sets of names, compared without regard to order, in any spelling that the aliases
    know.
    """
    sets = [{evidence.name(part) for part in str(t).split(";")} for t in (claimed, found.value)]
    if found.low is not None:  # a text that is not certain carries a probability in `low`
        return "cannot be decided", found.why
    same = isinstance(found.value, str) and sets[0] == sets[1]
    return ("agrees" if same else "differs"), found.why


def _lost(claim: Mapping[Any, Any]) -> str:
    text = str(claim.get("value_basis", "")), str(claim.get("as_printed", ""))
    lost = text[0] == "lost" or text[1].startswith("[MATH")
    return reason("value_lost") if lost else ""


def _row(
    found: Computed | None, difference: float | None, verdict: str, why: str
) -> dict[str, Any]:
    value = None if found is None else found.value
    shown = "" if value is None else value if isinstance(value, str) else show(value)
    return {
        "computed": shown,
        "computed_unit": "" if found is None or value is None else found.unit,
        "layer": "" if found is None else found.layer,
        "difference": np.nan if difference is None else difference,
        "verdict": verdict,
        "why": why,
    }
