"""Aliases: which three features together can pass for a fourth one."""

from itertools import combinations

import numpy as np

from ablation.designs.design import Design
from ablation.designs.subsets import membership

Triple = tuple[str, str, str]

SHARE = 1 / 8
"""Half of what averaging over subsets credits to each feature of a triple for what the three do together; less misleads nobody."""


def aliases(design: Design) -> tuple[tuple[Triple, ...], ...]:
    """Return for each credited feature the triples of other features that its effect is aliased with, the largest part first.

    What a triple does together is what an arm scores beyond its features and their pairs where all three are on. Averaged over subsets, a
    quarter of that belongs to each of the three. A triple is an alias of a fourth feature where the contrast of that one takes about as
    large a part, for then its effect may as well be the triple's (Box and Hunter 1961).
    """
    on = membership(design.arms, design.known)
    triples = list(combinations(range(len(design.known)), 3))
    together = np.array([on[:, list(triple)].prod(axis=1) for triple in triples]).reshape(len(triples), len(design.arms))
    parts = np.abs(design.contrasts @ together.T).round(9)
    found = []
    for row, taken in enumerate(parts):
        others = [index for index in np.argsort(-taken, kind="stable").tolist() if row not in triples[index] and taken[index] >= SHARE]
        found.append(tuple((design.known[a], design.known[b], design.known[c]) for a, b, c in (triples[index] for index in others)))
    return tuple(found)
