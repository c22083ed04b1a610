"""Wording: counts, times, probabilities and lists as people read them."""

from collections.abc import Container, Sequence


def human(count: float) -> str:
    """Write a count with three digits: ``950``, ``12.3 M``."""
    for unit in ("", " k", " M", " G"):
        if count < 999.5:
            return f"{count:.3g}{unit}"
        count /= 1000
    return f"{count:,.1f} T"


def counted(count: int, noun: str) -> str:
    """Write how many of something there are: ``1 arm``, ``3 seeds``, ``5,004 runs``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """Write a time for people: ``0.4 s``, ``40 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def probability(p: float) -> str:
    """Write a p-value with its sign: ``= 0.31``, ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def p_value(p: float) -> str:
    """Write a p-value for a column of them: ``0.31``, ``< 0.001``; nothing for NaN."""
    return "" if p != p else probability(p).removeprefix("= ")


def unlike(name: str, taken: Container[str], what: str) -> str:
    """Return a name for a column; one that is taken gets before it what the column holds: ``measured_effect``."""
    return f"{what}_{name}" if name in taken else name


def numbers(each: Sequence[int], most: int) -> str:
    """List whole numbers: more than three in a row by their ends, and of others at most so many: ``0 to 7``, ``0, 3 and 100``."""
    if len(each) > 3 and list(each) == list(range(each[0], each[0] + len(each))):
        return f"{each[0]} to {each[-1]}"
    more = [] if len(each) <= most else [f"{len(each) - most} more"]
    return listed([*map(str, each[:most]), *more], "and")


def listed(names: Sequence[str], last: str) -> str:
    """Write names as ``a, b and c``, with ``last`` for the word before the last one."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"
