"""Execution: where runs happen. A file for each place; behind all of them stands one seam, a :class:`Pool`."""

from ablation.engine.execution.batch import Batch
from ablation.engine.execution.dask import Dask
from ablation.engine.execution.inline import Inline
from ablation.engine.execution.local import THREADS, Local
from ablation.engine.execution.pool import Execution, OnEvent, Pool

__all__ = ["THREADS", "Batch", "Dask", "Execution", "Inline", "Local", "OnEvent", "Pool"]
