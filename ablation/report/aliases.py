"""Aliases in words: which three features can pass for a fourth one, and which arms would separate them."""

from ablation.designs import Design, aliases, bookends, label
from ablation.designs.aliases import Triple
from ablation.wording import counted, listed

NAMED = 4
"""Three-way terms that are named for each feature; more are counted."""

MEANING = (
    "What three features do together beyond their pairs is credited in equal parts to each of the three, and here also to the feature "
    "that they are aliased with, which may do nothing."
)


def named(terms: tuple[Triple, ...]) -> str:
    """Write the aliases of one feature."""
    words = [" × ".join(term) for term in terms[:NAMED]]
    return ", ".join(words) + (f" and {len(terms) - NAMED} more" if len(terms) > NAMED else "")


def aliased(design: Design) -> dict[str, str]:
    """Return the aliases of each feature of a design that has any, in words."""
    return {feature: named(terms) for feature, terms in zip(design.features, aliases(design), strict=True) if terms}


def before_runs(design: Design) -> list[str]:
    """Say before a study what its effects are aliased with, and with an example which arms would separate a feature from that."""
    found = {feature: terms for feature, terms in zip(design.features, aliases(design), strict=True) if terms}
    if not found:
        return []
    first, counts = next(iter(found)), sorted(len(terms) for terms in found.values())
    if counts[-1] <= NAMED:
        sentences = [f"{design.name}: {feature} is aliased with {named(terms)}." for feature, terms in found.items()]
    else:  # More than a reader wants.
        some = f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
        which = "each feature is" if len(found) == len(design.features) else f"{len(found)} of {len(design.features)} features are"
        example = " × ".join(found[first][0])
        sentences = [f"{design.name}: {which} aliased with {some} products of three others, such as {first} with {example}."]
    return [*sentences, " ".join([MEANING, *separation(design, first)])]


def separation(design: Design, feature: str) -> list[str]:
    """Say which arms separate a feature from all triples of others, and what that costs: the feature alone, and all without it.

    Nothing where the features cannot all be on together.
    """
    if frozenset(design.known) not in design.arms:
        return []
    apart = bookends(design.known, of=(feature,))
    more = [f"“{label(arm, design.known)}”" for arm in apart.arms if arm not in design.arms]
    row = design.contrasts[design.features.index(feature)]
    dearer = float((apart.contrasts**2).sum() / (row**2).sum())
    return [
        f"Where you suspect this of a feature such as {feature}, {counted(len(more), 'more arm')} "
        f"({listed(more, 'and')}) estimate it free of all three-way terms of the others: features=[{design.name},bookends] "
        f"features.of=[{feature}]. That estimate needs {dearer:.0f} times the seeds for the same precision."
    ]
