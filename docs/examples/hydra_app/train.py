"""A Hydra application: its settings are overrides, its result is a line of the log."""

import logging

import hydra
from omegaconf import DictConfig
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

log = logging.getLogger(__name__)


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config: DictConfig) -> None:
    x, y = load_digits(return_X_y=True)
    x, x_val, y, y_val = train_test_split(x, y, train_size=config.images, test_size=600, random_state=config.seed, stratify=y)
    scaler = StandardScaler() if config.model.standardise else FunctionTransformer()
    network = MLPClassifier(
        tuple(config.model.hidden),
        alpha=config.model.weight_decay,
        early_stopping=config.early_stopping,
        max_iter=config.epochs,
        random_state=config.seed,
    )
    model = make_pipeline(scaler, network).fit(x, y)
    log.info("trained for %d epochs", network.n_iter_)
    log.info("val_accuracy=%.4f", model.score(x_val, y_val))


if __name__ == "__main__":
    main()
