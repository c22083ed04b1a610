"""Scores: what a reader is shown of them."""


def signed_points(difference: float, digits: int) -> str:
    """Write a difference of two fractions in percentage points, always with its sign; what rounds to zero is positive."""
    return f"{round(100 * difference, digits) + 0.0:+.{digits}f}".replace("-", "−")
