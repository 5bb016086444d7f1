"""An object store with the interface of S3, on loopback: moto's server."""

from __future__ import annotations

import contextlib
import re
import subprocess
import typing as t

import requests

from tests.orchestration.airflow import AIRFLOW, connection, free_port, wait_for

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SERVER = AIRFLOW.with_name("moto_server")
_BUCKET = "lake"


class ObjectStore:
    """An object store with one bucket.

    Args:
        log: the file that gets what the server prints.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._session = requests.Session()
        # Not what the environment says of proxies.
        self._session.trust_env = False
        # It tells those who sign from those who don't, but does not check what is signed.
        self._session.headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=reader/20260101/us-east-1/s3/aws4_request"
        self._endpoint = f"http://127.0.0.1:{free_port()}"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start it, and end it."""
        port = self._endpoint.rpartition(":")[2]
        with self._log.open("wb") as log:
            server = subprocess.Popen([_SERVER, "-H", "127.0.0.1", "-p", port], stdout=log, stderr=log)
        try:
            wait_for(self._makes_bucket, "the object store", 60)
            yield
        finally:
            server.terminate()
            server.wait()

    def url(self, connection_id: str, folder: str) -> str:
        """Give the URL of a folder, as Airflow takes it with a connection to the store."""
        return f"s3://{connection_id}@{_BUCKET}/{folder}"

    @property
    def connection(self) -> str:
        """The text of an environment variable that stands for a connection to it."""
        place = {"endpoint_url": self._endpoint, "region_name": "us-east-1"}
        return connection("lake-user", "lake-password", conn_type="aws", extra=place)

    def files(self, folder: str) -> dict[str, bytes]:
        """Give what is in a folder, by the path there."""
        listed = self._call("GET", "?list-type=2", params={"prefix": f"{folder}/"}).text
        assert "<IsTruncated>false<" in listed
        return {
            key[len(folder) + 1 :]: self._call("GET", f"/{key}").content
            for key in re.findall(r"<Key>([^<]+)</Key>", listed)
        }

    def _makes_bucket(self) -> bool:
        try:
            self._call("PUT", "")
        except requests.ConnectionError:
            return False
        return True

    def _call(self, method: str, rest: str, **options: t.Any) -> requests.Response:
        answer = self._session.request(method, f"{self._endpoint}/{_BUCKET}{rest}", timeout=30, **options)
        answer.raise_for_status()
        return answer
