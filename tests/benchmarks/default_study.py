"""How often the default study can conclude, judged by many sets of seeds that had no part in choosing its data and budget.

    python -m ablation study.name=many_seeds "seeds=[$(seq -s, 100 259)]"     # many hours of processor time; it continues where it stopped
    python tests/benchmarks/default_study.py many_seeds

The same of a study of placebos counts false claims: every feature told is one.

    python -m ablation study.name=placebo catalogue=placebo data=digits data.limit=400 model=mlp 'model.hidden=[20]' training.epochs=4 \\
        training.batch_size=16 "seeds=[$(seq -s, 100 259)]"
    python tests/benchmarks/default_study.py placebo

Cuts the seeds of a study into sets, judges the effects of each set as a study of these seeds would, and prints for each set the median
half-width of the 95 % intervals and how many features it tells (helps or hurts), with the shares of sets that meet a bar.
"""

import argparse

import numpy as np

import ablation
from ablation.effects import estimate
from ablation.wording import listed

WIDEST, TOLD = 3.0, (4, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", help="its name; the folder is the one where it was started")
    parser.add_argument("--seeds", type=int, default=8, help="in a set")
    chosen = parser.parse_args()
    found = ablation.load_study(chosen.study).findings
    design, scale = found.designs[0], found.metric.scale
    complete = [seed for seed in found.seeds if all((arm, seed) in found.runs for arm in design.arms)]
    scores = np.array([[found.runs[arm, seed].score for arm in design.arms] for seed in complete])
    sets = [scores[start : start + chosen.seeds] for start in range(0, len(scores) - chosen.seeds + 1, chosen.seeds)]
    judged = [estimate(design, each, found.smallest, step=found.metric.step) for each in sets]
    widths = np.array([np.median(each.high - each.low) / 2 * scale for each in judged])
    told = np.array([[verdict in ("helps", "hurts") for verdict in each.verdict] for each in judged])
    print(f"{len(sets)} sets of {chosen.seeds} seeds, {complete[0]} to {complete[len(sets) * chosen.seeds - 1]}")
    for width, row in zip(widths, told, strict=True):
        names = [name for name, yes in zip(design.features, row, strict=True) if yes]
        print(f"median half-width {width:.2f}; told: {listed(names, 'and') if names else 'none'}")
    narrow = (widths <= WIDEST).mean()
    print(f"median half-width: {np.median(widths):.2f} points in the median set, at most {WIDEST:g} in {narrow:.0%} of the sets")
    print(f"features told: {told.sum()} of {told.size}, in {told.any(axis=1).sum()} of the sets")
    for least in (least for least in TOLD if least <= len(design.features)):
        print(f"at least {least} of {len(design.features)} features told in {(told.sum(axis=1) >= least).mean():.0%} of the sets")
    effects = scores @ design.contrasts.T * scale
    for name, values, share in zip(design.features, effects.T, told.mean(axis=0), strict=True):
        print(f"{name}: {values.mean():+.2f} points, sd {values.std(ddof=1):.2f} over {len(values)} seeds, told in {share:.0%} of the sets")
    for place, values in enumerate(scale * scores.T):
        print(f"arm {place}: {values.mean():.2f}, sd {values.std(ddof=1):.2f}")


if __name__ == "__main__":
    main()
