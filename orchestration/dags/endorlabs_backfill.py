"""Reads the audit logs of the past.

Reads every namespace from `first_month` up to `takeover`, a task for each namespace and month, and lands each month as
`<landing>/<namespace>/<YYYY-MM>.jsonl.gz`. Trigger it once; trigger it again whenever a namespace was added.

- A month's file is there whole or not at all. Running a task again replaces its file.
- A task takes `concurrency` slots of its API key's pool, one for each request that the tap has under way.
- A tap that fails (exit code 1, or a signal) is tried again.
- Exit code 3: what could be read has landed, but something is missing, as the task's log says. The task fails without
  another try. Clear it once the cause is gone, and it replaces the file.
- Months from `takeover` on belong to `endorlabs_incremental.py`, whether its DAGs run before, after or meanwhile.
"""

from __future__ import annotations

from airflow.sdk import dag, task

from endor_landing.configuration import Configuration
from endor_landing.tasks import TIMEOUT, land_month

CONFIGURATION = Configuration.load()


@dag(
    dag_id="endorlabs_backfill",
    schedule=None,
    max_active_runs=1,
    # As good as no bound: Airflow's default of 16 would leave slots free in the pools, which are to bound the tasks.
    max_active_tasks=10_000,
    doc_md=__doc__,
    tags=["endorlabs"],
    default_args={"retries": 3, "execution_timeout": TIMEOUT},
)
def backfill() -> None:
    """Map a task over namespaces and months, for each API key."""

    @task(map_index_template="{{ task.op_kwargs['namespace'] }} {{ task.op_kwargs['month'] }}")
    def land(api_key: str, namespace: str, month: str) -> int:
        return land_month(CONFIGURATION, api_key, namespace, month)

    for api_key, namespaces in CONFIGURATION.api_keys.items():
        land.override(task_id=f"land_{api_key}", pool=api_key, pool_slots=CONFIGURATION.concurrency).partial(
            api_key=api_key
        ).expand(namespace=namespaces, month=CONFIGURATION.months)


backfill()
