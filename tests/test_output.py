"""What a program prints, read as scores."""

import math

import pytest

from ablation.subjects.output import KEPT, Kept, Printed, named, numbers, picked


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("val_accuracy: 0.913", 0.913),
        ("val_accuracy=0.913", 0.913),
        ('{"epoch": 3, "val_accuracy": 0.913}', 0.913),
        ("{'val_accuracy': np.float64(0.913), 'loss': 1}", 0.913),
        ("val_accuracy: tensor(0.9130, device='cuda:0')", 0.913),
        ("[2026-01-01 10:00:00,123][train][INFO] - val_accuracy=9.13e-1.", 0.913),
        ("Epoch 3/10 - loss: 0.3 - val_accuracy: 0.9 (best val_accuracy: 0.913)", 0.913),
        ("\x1b[32mval_accuracy\x1b[0m: \x1b[1m0.913\x1b[0m", 0.913),
        ("val_accuracy = 91.3%", 91.3),
        ("val_accuracy: -1", -1),
        ("best_val_accuracy: 0.913", None),
        ("val_accuracy_top5: 0.913", None),
        ("eval/val_accuracy: 0.913", None),
        ("val_accuracy: 0.913s", None),
        ("val_accuracy: none", None),
        ("val_accuracy 0.913", None),
    ],
)
def test_lines_that_name_a_score(line: str, value: float | None) -> None:
    assert named(line, "val_accuracy") == value


def test_a_name_may_be_anything() -> None:
    assert named("validation accuracy (top-1): 0.5", "validation accuracy (top-1)") == 0.5
    assert named("eval/f1: 0.5", "eval/f1") == 0.5
    assert math.isnan(named("loss: NaN", "loss") or 0)


def test_all_numbers_of_a_line() -> None:
    assert numbers("epoch: 3, loss=0.25 lr: 1e-3 time: 3s") == {"epoch": 3, "loss": 0.25, "lr": 0.001}


def test_lines_with_the_metric_are_the_history_and_are_reported() -> None:
    printed, reported = Printed("acc"), []
    for line in ("start\n", "epoch: 1 loss: 2 acc: 0.5\n", "loss: 1\n", "epoch: 2 loss: 1 acc: nan\n", "epoch: 3 loss: 1 acc: 0.7\n"):
        printed.add(line, lambda **each: reported.append(each))
    assert printed.history["loss"] == [2, 1, 1]
    assert printed.history["acc"][::2] == [0.5, 0.7] and math.isnan(printed.history["acc"][1])
    assert reported == [{"loss": 2, "acc": 0.5}, {"loss": 1, "acc": 0.7}]
    assert printed.kept.last(2) == ["epoch: 2 loss: 1 acc: nan", "epoch: 3 loss: 1 acc: 0.7"]


def test_a_long_output_keeps_its_beginning_and_its_end() -> None:
    kept, line = Kept(), "x" * 999 + "\n"
    for number in range(3 * KEPT // 1000):
        kept.add(f"{number} {line}")
    text = kept.text
    assert text.startswith("0 xxx") and text.endswith(line) and len(text) < 2.1 * KEPT
    assert "lines left out]" in text
    assert len(kept.last(15)) == 15


def test_the_last_or_the_best_of_several() -> None:
    values = [0.5, 0.9, math.nan, 0.7]
    assert picked(values, "last", True) == 0.7
    assert picked(values, "best", True) == 0.9
    assert picked(values, "best", False) == 0.5
    assert math.isnan(picked([math.nan], "best", True))
