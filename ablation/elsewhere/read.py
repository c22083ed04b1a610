"""Tables from files and frames."""

from pathlib import Path
from typing import TYPE_CHECKING

from ablation.elsewhere.runs import Table
from ablation.errors import InputError, first_line

if TYPE_CHECKING:
    import pandas as pd

KINDS = "expected a CSV or Parquet file with named columns"


def table_of_file(path: str) -> Table:
    """Read a CSV or Parquet file.

    Raises:
        InputError: if there is none, or it is no table.
    """
    import pandas as pd

    file = Path(path)
    if not file.is_file():
        raise InputError(f"'{path}' is no file; {KINDS}")
    try:
        frame = pd.read_parquet(file) if file.suffix.casefold() == ".parquet" else pd.read_csv(file, low_memory=False)
    except (ValueError, OSError) as error:  # pandas' and Arrow's own errors are of these
        raise InputError(f"'{path}' cannot be read ({first_line(error)}); {KINDS}") from error
    # In a spreadsheet, the row of the columns' names is the first.
    return Table(frame, file.name, file.name, lambda place: f"row {place + 2}")


def table_of_frame(frame: "pd.DataFrame") -> Table:
    """Take a frame, whose rows go by their index.

    Raises:
        InputError: if it is none.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"a {type(frame).__name__} is no table; expected a pandas DataFrame with a row a run")
    return Table(frame, "table", "the table", lambda place: f"row {frame.index[place]}")


def features_of(table: Table) -> tuple[str, ...]:
    """Return the columns that hold nothing but true and false, as those of features do in the ``runs.csv`` of a study."""
    return tuple(str(name) for name in table.frame.select_dtypes("bool").columns)
