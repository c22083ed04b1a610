"""How busy the machine is while a run trains, logged by MLflow where its own variable asks for that."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ablation.store.connection import Store

ASKED = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"


def is_asked_for() -> bool:
    """Return whether this process is asked to."""
    return os.environ.get(ASKED, "").lower() in ("true", "1")


@contextmanager
def system_metrics(store: Store, run_id: str) -> Iterator[None]:
    """Log processor, memory, disk, network and GPUs of this machine to a run meanwhile, in the process that makes the run."""
    if not is_asked_for() or not run_id:
        yield
        return
    with store.as_default():
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        monitor = SystemMetricsMonitor(run_id, tracking_uri=store.uri)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()
