"""Tables from files."""

from pathlib import Path
from typing import TYPE_CHECKING

from ablation.elsewhere.runs import Table
from ablation.errors import InputError, first_line

if TYPE_CHECKING:
    import pandas as pd


def table_of(path: str) -> Table:
    """Read a CSV or Parquet file.

    Raises:
        InputError: if there is none, or it is no table.
    """
    import pandas as pd

    file = Path(path)
    if not file.is_file():
        raise InputError(f"'{path}' is no file; expected a CSV or Parquet file")
    try:
        frame = pd.read_parquet(file) if file.suffix.casefold() == ".parquet" else pd.read_csv(file, low_memory=False)
    except (ValueError, OSError) as error:  # pandas' and Arrow's own errors are of these
        raise InputError(
            f"'{path}' cannot be read as a table ({first_line(error)}); expected a CSV or Parquet file with named columns"
        ) from error
    # In a spreadsheet, the row of the columns' names is the first.
    return Table(frame, file.name, lambda place: f"row {place + 2}")


def table_of_frame(frame: "pd.DataFrame") -> Table:
    """Take a frame, whose rows go by their index."""
    return Table(frame, "the table", lambda place: f"row {frame.index[place]}")
