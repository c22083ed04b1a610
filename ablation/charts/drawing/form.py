"""Where a figure is read: beside its words on a screen, or in a column of a paper, which has words of its own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """The size of a figure, and what stands around its plot.

    Attributes:
        width: of the figure, in inches; charts whose width follows from what they show take it for the most.
        margin: inches that are left empty at the edges.
        titled: whether title, subtitle and caption stand around the plot.
        columns: whether numbers and words stand in columns beside the plot.
    """

    width: float
    margin: float
    titled: bool
    columns: bool

    @property
    def names(self) -> float:
        """Inches that the names of features beside a plot may take."""
        return min(1.7, 0.35 * self.width)


SCREEN = Form(9.0, 0.18, titled=True, columns=True)
SINGLE_COLUMN = Form(3.3, 0.03, titled=False, columns=False)
DOUBLE_COLUMN = Form(7.0, 0.03, titled=False, columns=True)
