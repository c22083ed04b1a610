"""Tables as Markdown, line by line."""

from collections.abc import Iterator, Sequence

Lines = Iterator[Sequence[str]]


def table(told: str, heads: Sequence[str], lines: Lines) -> None:
    """Print a table as Markdown, line by line."""
    print(f"{told}\n\n| {' | '.join(heads)} |\n|{'|'.join([':--', *['--:'] * (len(heads) - 1)])}|")
    for line in lines:
        print(f"| {' | '.join(line)} |", flush=True)
    print()


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"
