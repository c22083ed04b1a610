"""The report as one HTML file that needs nothing else, on the screen and on paper."""

from base64 import b64encode
from pathlib import Path

from ablation.report.document import WORDS, Document, Picture

TEMPLATE = Path(__file__).with_name("report.html")


def html(report: Document) -> str:
    """Return the report as a page with its drawings inside."""
    from jinja2 import Environment, StrictUndefined

    page = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True).from_string(TEMPLATE.read_text("utf-8"))
    told = {name: getattr(report, name) for name in ("name", "data", "answer", "tables", "protocol", "command", "notes")}
    return page.render(pictures=[(each.title, _inline(each)) for each in report.pictures], words=WORDS, **told)


def _inline(picture: Picture) -> str:
    # Each drawing is an image of its own, for the identifiers inside two drawings would clash on one page.
    return f"data:image/svg+xml;base64,{b64encode(picture.drawing.read_bytes()).decode()}"
