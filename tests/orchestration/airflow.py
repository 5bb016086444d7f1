"""Airflow on loopback: its scheduler, its DAG processor and its API server, with a database of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import requests

from fake_endor_api import DEMO_KEY, DEMO_SECRET

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent.parent
DAGS = ROOT / "orchestration" / "dags"
AIRFLOW = ROOT / "orchestration" / ".venv" / "bin" / "airflow"

_DONE = ("success", "failed")


class TaskRun(t.NamedTuple):
    """A task of a DAG run after its last try; times are ISO texts in UTC, and the name is that of a mapped task."""

    name: str | None
    pool: str
    state: str
    tries: int
    began: str
    ended: str


class DagRun(t.NamedTuple):
    """A run of a DAG that is over."""

    state: str
    tasks: list[TaskRun]


@dataclass
class Airflow:
    """A running Airflow.

    Args:
        folder: gets all its files.
        settings: environment variables for it.

    Attributes:
        sessions: those of its processes, as the system numbers them.
    """

    folder: Path
    settings: dict[str, str]
    sessions: frozenset[int] = frozenset()
    _ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    _session: requests.Session = field(default_factory=requests.Session)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start it, and end it."""
        assert self._start("db", "migrate").wait() == 0, (self.folder / "db.log").read_text()
        services = [self._start(name) for name in ("scheduler", "api-server", "dag-processor")]
        self.sessions = frozenset(service.pid for service in services)
        try:
            wait_for(self._log_in, "Airflow's API server", 120)
            yield
        finally:
            for service in services:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(service.pid, signal.SIGTERM)
            for service in services:
                _end(service)

    def call(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """Ask its REST API."""
        answer = self._session.request(method, f"{self._url}/api/v2/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def command(self, *arguments: str) -> None:
        """Run a command of it, as its administrator does."""
        subprocess.run([AIRFLOW, *arguments], cwd=self.folder, env=self._environment(), check=True)

    def run(self, dag: str) -> DagRun:
        """Run a DAG to its end."""
        return self.end(self.begin(dag))

    def begin(self, dag: str) -> str:
        """Begin a run of a DAG; give its path in the REST API."""
        self.call("PATCH", f"dags/{dag}", {"is_paused": False})
        run = self.call("POST", f"dags/{dag}/dagRuns", {"logical_date": None})["dag_run_id"]
        return f"dags/{dag}/dagRuns/{run}"

    def end(self, path: str) -> DagRun:
        """Wait for the end of a run."""
        wait_for(lambda: self.call("GET", path)["state"] in _DONE, f"the end of {path}", 240)
        found = self.call("GET", f"{path}/taskInstances?limit=100")["task_instances"]
        names = ("rendered_map_index", "pool", "state", "try_number", "start_date", "end_date")
        return DagRun(self.call("GET", path)["state"], [TaskRun(*(item[name] for name in names)) for item in found])

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._ports[0]}"

    def _log_in(self) -> bool:
        try:
            token = self._session.get(f"{self._url}/auth/token", timeout=30).json()["access_token"]
        except (requests.RequestException, KeyError):
            return False
        self._session.headers["Authorization"] = f"Bearer {token}"
        return True

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{arguments[0]}.log").open("wb") as log:
            return subprocess.Popen(
                [AIRFLOW, *arguments],
                cwd=self.folder,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        api_port, log_port = self._ports
        users = ("AIRFLOW", "AWS_", "ENDOR", "TAP_", "HTTP", "ALL_PROXY", "NO_PROXY")
        return {name: value for name, value in os.environ.items() if not name.upper().startswith(users)} | {
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(api_port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self._url}/execution/",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "3",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(log_port),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            **self.settings,
        }


def configure(folder: Path, content: dict[str, t.Any]) -> dict[str, str]:
    """Write the configuration of the DAGs; give the variables that name it and hold the API keys, the fake API's."""
    path = folder / "orchestration.json"
    path.write_text(json.dumps(content))
    keys = {f"AIRFLOW_CONN_{name.upper()}": connection(DEMO_KEY, DEMO_SECRET) for name in content["api_keys"]}
    return {"ENDORLABS_ORCHESTRATION": str(path), **keys}


def months_before(moment: dt.datetime, count: int) -> list[str]:
    """Give so many months before that of a moment, as the configuration has them."""
    end = moment.year * 12 + moment.month - 1
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(end - count, end)]


def connection(login: str, password: str, **more: t.Any) -> str:
    """Give the text of an environment variable that stands for a connection."""
    return json.dumps({"conn_type": "generic", "login": login, "password": password} | more)


def free_port() -> int:
    """Give a port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(done: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until it is done.

    Raises:
        TimeoutError: it is not.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.2)


def _end(service: subprocess.Popen[bytes]) -> None:
    try:
        service.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(service.pid, signal.SIGKILL)
        service.wait()
