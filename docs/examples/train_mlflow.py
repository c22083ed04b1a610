"""A scikit-learn pipeline that logs itself to an MLflow experiment of its own."""

import argparse

import mlflow
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--standardise", action="store_true")
parser.add_argument("--select", type=int, default=None)
parser.add_argument("--balanced", action="store_true")
args = parser.parse_args()

mlflow.set_experiment("tumours")
mlflow.autolog(log_models=False, silent=True)

x, y = load_breast_cancer(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, train_size=120, random_state=args.seed, stratify=y)
model = make_pipeline(
    StandardScaler() if args.standardise else FunctionTransformer(),
    SelectKBest(k=args.select or "all"),
    LogisticRegression(max_iter=50, class_weight="balanced" if args.balanced else None),
)
with mlflow.start_run():
    model.fit(x, y)
    mlflow.log_metric("val_accuracy", model.score(x_val, y_val))
