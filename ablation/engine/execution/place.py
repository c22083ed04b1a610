"""A place: the workers of a scheduler, as they are spoken of and dealt with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """How workers are spoken of and dealt with.

    Attributes:
        name: of the scheduler, in a sentence.
        waiting: says what is waited for while there is no worker.
        gone: the sentence for a scheduler that has gone away.
        wait: seconds after which a place without workers counts as lost.
        threads: CPU threads of a run; None leaves it to the subject.
        resources: what a run takes of a worker's resources, as Dask counts them.
        own: whether the workers were started for this study.
        here: whether they are on this machine.
        grows: whether the scheduler may get more workers when it has more work.
    """

    name: str
    waiting: Callable[[int], str]
    gone: str
    wait: float
    threads: int | None = None
    resources: Mapping[str, float] = field(default_factory=dict)
    own: bool = False
    here: bool = False
    grows: bool = False
