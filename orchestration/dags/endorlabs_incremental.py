"""Reads what is new in the audit logs, run by run.

Reads every namespace from `takeover` on, a task for each namespace, and lands it as
`<landing>/<namespace>/news/<number>.jsonl.gz`; a run without news leaves no file. The tap's state lies beside the files
in `_state`, where all workers find it.

- A run goes on where the last one that landed ended, however many failed or were left out between.
- Running a task again, also that of an old run, does no harm: it reads what is new now.
- A tap that fails (exit code 1, or a signal) is tried again, and by the next run in any case.
- Exit code 3: what could be read has landed and the state has moved on, but something is missing, as the task's log
  says. The task fails without another try; the next run goes on.
- One run at a time, as two at once would read the same events.
"""

from __future__ import annotations

from airflow.sdk import dag, task

from endor_landing.configuration import Configuration
from endor_landing.tasks import TIMEOUT, land_news

CONFIGURATION = Configuration.load()


@dag(
    dag_id="endorlabs_incremental",
    schedule=CONFIGURATION.schedule,
    start_date=CONFIGURATION.takeover.start,
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["endorlabs"],
    default_args={"retries": 1, "execution_timeout": TIMEOUT},
)
def incremental() -> None:
    """Map a task over namespaces, for each API key."""

    @task(map_index_template="{{ task.op_kwargs['namespace'] }}")
    def land(api_key: str, namespace: str) -> int:
        return land_news(CONFIGURATION, api_key, namespace)

    for api_key, namespaces in CONFIGURATION.api_keys.items():
        land.override(task_id=f"land_{api_key}", pool=api_key, pool_slots=CONFIGURATION.concurrency).partial(
            api_key=api_key
        ).expand(namespace=namespaces)


incremental()
