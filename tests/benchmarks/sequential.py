"""What a study that stops itself claims, finds and costs, and what looks that nothing counts do: many made-up studies.

    python tests/benchmarks/sequential.py                 # every table, 20,000 studies a cell, as Markdown
    python tests/benchmarks/sequential.py --studies 2000

Seven features on a cumulative path of eight arms, or in the 16 arms of a fraction, through the code that
studies use. Scores are in units of σ, the standard deviation of
one run; each seed moves all arms alike, too.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from simulation.designs import SEVEN
from simulation.situations import equal, scores, unequal, varied
from simulation.tables import Lines, table

from ablation.designs import Design, cumulative, fractional
from ablation.effects import ALPHA, contrast_moments, false_claims, followed, holm, paired_moments

LOOKS = (5, 8, 12, 16, 20)
NONE = (0.0,) * 7
ALL_SIZES = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0)
"""In σ, one for each feature of a study; each study deals them out to its path anew."""

SCHEDULES = ((3, 5), (3, 10), (5, 10, 20), (3, 5, 10), (3, 5, 10, 20), (10, 20, 30, 40), tuple(range(3, 21)))
"""Numbers of seeds at which people look without counting."""

BATCH = 5000
"""Studies that are held in memory at once."""


@dataclass(frozen=True)
class Setting:
    """How studies are made up: effects in σ, standard deviations of runs by arm, and that of each effect between seeds."""

    effects: tuple[float, ...]
    spreads: np.ndarray
    varies: float = 0.0

    def draw(self, design: Design, seeds: int, studies: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return scores, ``(studies, seeds, arms)``, and true effects, ``(studies, features)``."""
        truth = rng.permuted(np.tile(self.effects, (studies, 1)), axis=1)
        on = np.array([[feature in arm for feature in design.features] for arm in design.arms], dtype=float)
        made = scores(design, seeds, self.spreads, (truth @ on.T)[:, None, :], studies, rng)
        return made + varied(design, seeds, np.full(len(design.features), self.varies), studies, rng), truth


@dataclass(frozen=True)
class Outcome:
    """What many studies came to: shares of studies with a false claim, of effects claimed with the right sign by size, and mean runs."""

    false: float
    power: dict[float, float]
    runs: float

    @property
    def mean_power(self) -> float:
        return float(np.mean(list(self.power.values()))) if self.power else float("nan")


def outcome(signs: np.ndarray, truth: np.ndarray, runs: float) -> Outcome:
    wrong = (signs != 0) & (truth == 0)
    sizes = sorted(set(np.abs(truth).ravel().tolist()) - {0.0})
    right = signs == np.sign(truth)
    return Outcome(float(wrong.any(axis=1).mean()), {size: float(right[np.abs(truth) == size].mean()) for size in sizes}, runs)


def compared(design: Design, setting: Setting, studies: int, rng: np.random.Generator) -> tuple[Outcome, Outcome]:
    """Let the same studies stop themselves, and judge them once with all seeds."""
    stopped, fixed, truths, runs = [], [], [], []
    for start in range(0, studies, BATCH):
        made, truth = setting.draw(design, LOOKS[-1], min(BATCH, studies - start), rng)
        found = followed([design], design.arms, LOOKS, made)
        moments = contrast_moments(design.kind, made, design.contrasts)
        stopped.append(found.claimed[0])
        fixed.append(np.where(moments.p_holm < ALPHA, np.sign(moments.estimate), 0))
        truths.append(truth)
        runs.append(found.seeds.sum(axis=1))
    truth = np.concatenate(truths)
    all_runs = float(LOOKS[-1] * len(design.arms))
    return outcome(np.concatenate(stopped), truth, float(np.concatenate(runs).mean())), outcome(np.concatenate(fixed), truth, all_runs)


def claims_of_looks(design: Design, looks: Sequence[int], studies: int, rng: np.random.Generator) -> float:
    """Return the share of studies without an effect that claim one at any of several looks that nothing counts."""
    found = 0
    for start in range(0, studies, BATCH):
        made, _ = Setting(NONE, equal(design)).draw(design, looks[-1], min(BATCH, studies - start), rng)
        claims = [(holm(paired_moments(made[:, :look], design.contrasts).p) < ALPHA).any(axis=1) for look in looks]
        found += int(np.any(claims, axis=0).sum())
    return found / studies


def stops(design: Design, studies: int, rng: np.random.Generator) -> None:
    def lines() -> Lines:
        for effects, name in ((NONE, "none"), (ALL_SIZES, "0, ±1, ±2, ±3 σ")):
            for spread, spreads in (("equal", equal(design)), ("unequal", unequal(design))):
                for varies in (0.0, 1.0):
                    stopped, fixed = compared(design, Setting(effects, spreads, varies), studies, rng)
                    power = [
                        f"{100 * stopped.power[size]:.1f} / {100 * fixed.power[size]:.1f}" if stopped.power else ""
                        for size in (1.0, 2.0, 3.0)
                    ]
                    mean = f"{100 * stopped.mean_power:.1f} / {100 * fixed.mean_power:.1f}" if stopped.power else ""
                    false = f"{100 * stopped.false:.2f} / {100 * fixed.false:.2f}"
                    yield name, spread, f"{varies:g} σ", false, *power, mean, f"{stopped.runs:.1f}"

    heads = ("effects", "variances", "feature × seed", "false claims %", "power % at 1 σ", "2 σ", "3 σ", "all", "runs")
    fixed = f"{LOOKS[-1]} fixed seeds ({LOOKS[-1] * len(design.arms)} runs)"
    table(f"{design.name}, {studies:,} studies a cell: looks at {LOOKS} seeds / {fixed}:", heads, lines())


def looks(studies: int, rng: np.random.Generator) -> None:
    design = cumulative(SEVEN)

    def lines() -> Lines:
        for schedule in SCHEDULES:
            named = ", ".join(map(str, schedule)) if len(schedule) < 6 else f"each from {schedule[0]} to {schedule[-1]}"
            rate = claims_of_looks(design, schedule, studies, rng)
            yield named, f"{100 * rate:.1f} %", f"{100 * false_claims(schedule, len(SEVEN), ALPHA):.1f} %"

    table(
        "Studies without an effect that claim one at any of several looks that nothing counts:", ("seeds", "simulated", "computed"), lines()
    )


TABLES: dict[str, Callable[[int, np.random.Generator], None]] = {
    "stops": lambda studies, rng: stops(cumulative(SEVEN), studies, rng),
    "balanced": lambda studies, rng: stops(fractional(SEVEN), studies // 5, rng),
    "looks": looks,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="table", default=tuple(TABLES), help=", ".join(TABLES))
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"{chosen.studies:,} studies a cell, seven features, seed {chosen.seed}.\n")
    for name in chosen.tables:
        # Each table has draws of its own, so that it comes out the same alone.
        TABLES[name](chosen.studies, np.random.default_rng([chosen.seed, list(TABLES).index(name)]))


if __name__ == "__main__":
    main()
