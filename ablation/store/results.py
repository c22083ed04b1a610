"""Results as text: in a file of their run, and in short ones also in a tag, which comes with the run itself."""

import base64
import json
import zlib
from dataclasses import asdict
from typing import Any

from ablation.study.outcome import Result

LONGEST = 4_900
"""Characters of a tag: MLflow's older versions take 5,000."""


def as_text(result: Result) -> str:
    """Return a result as JSON, without the run that holds it."""
    return json.dumps({**asdict(result), "run_id": ""})


def of_text(text: str, run_id: str) -> Result:
    """Return the result that :func:`as_text` wrote, of a run."""
    values: dict[str, Any] = json.loads(text)
    return Result(**{**values, "stored": tuple(values["stored"]), "run_id": run_id})


def in_brief(result: Result) -> str | None:
    """Return a result as short text for a tag; None where it is too long for that."""
    packed = base64.b64encode(zlib.compress(as_text(result).encode(), 9)).decode()
    return packed if len(packed) <= LONGEST else None


def of_brief(packed: str, run_id: str) -> Result:
    """Return the result that :func:`in_brief` wrote, of a run."""
    return of_text(zlib.decompress(base64.b64decode(packed)).decode(), run_id)
