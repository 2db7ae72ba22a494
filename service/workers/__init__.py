"""Worker processes: each owns one device, loads every model once and answers batches."""

from service.workers.plan import WorkerPlan, plan_workers
from service.workers.pool import WorkerPool

__all__ = ["WorkerPlan", "WorkerPool", "plan_workers"]
