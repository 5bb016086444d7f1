"""Reads what is new in a namespace's audit logs, run by run: a DAG for each namespace, from `takeover` on.

Lands it as `<landing>/<namespace>/news/<number>.jsonl.gz`; a run without news leaves no file. The tap's state lies
beside the files in `_state`, where all workers find it.

- A run goes on where the last one that landed ended, however many failed or were left out between.
- Running a task again, also that of an old run, does no harm: it reads what is new now.
- A tap that fails (exit code 1, or a signal) is tried again, and by the next run in any case.
- Exit code 3: what could be read has landed and the state has moved on, but something is missing, as the task's log
  says. The task fails without another try; the next run goes on.
- One run at a time, as two at once would read the same events. Other namespaces do not wait for it.
- A run goes before what a backfill has waiting in the pool.
"""

from __future__ import annotations

from airflow.sdk import DAG, task

from endor_landing.configuration import Configuration
from endor_landing.tasks import TIMEOUT, land_news

CONFIGURATION = Configuration.load()


def incremental(api_key: str, namespace: str) -> None:
    """Make the DAG of a namespace."""
    with DAG(
        dag_id=f"endorlabs_incremental.{namespace}",
        schedule=CONFIGURATION.schedule,
        start_date=CONFIGURATION.takeover.start,
        catchup=False,
        max_active_runs=1,
        doc_md=__doc__,
        tags=["endorlabs", "incremental", f"api_key:{api_key}"],
        # Airflow would else give free slots of the pool to older runs first: for days to a backfill that is under way.
        default_args={"retries": 1, "execution_timeout": TIMEOUT, "priority_weight": 2},
    ):

        @task(pool=api_key, pool_slots=CONFIGURATION.concurrency)
        def land() -> int:
            return land_news(CONFIGURATION, api_key, namespace)

        land()


for _api_key, _namespaces in CONFIGURATION.api_keys.items():
    for _namespace in _namespaces:
        incremental(_api_key, _namespace)
