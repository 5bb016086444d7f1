"""Credentials reach the API alone: by its certificate, past redirects, and through no proxy that could read them."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import ssl
import typing as t
from base64 import b64encode

import pytest
import trustme

from fake_endor_api import DEMO_KEY, DEMO_SECRET, FakeEndorApi, Fault, ManualClock, make_events
from tap_endorlabs.errors import ApiError, TapError
from tests.conftest import NOW
from tests.harness import Process, config_for, run_inside
from tests.in_process import run_command
from tests.raw_server import RawServer

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = "2026-03-30T00:00:00Z"
PASSWORD = "pr0xy+p/ss wörd"
IN_URL = "pr0xy%2Bp%2Fss%20w%C3%B6rd"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def api_with(certificate: trustme.LeafCert) -> FakeEndorApi:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(tls)
    api = FakeEndorApi(clock=ManualClock(NOW), tls=tls)
    api.store.add(make_events(20, NOW - dt.timedelta(hours=1), NOW))
    return api


@pytest.fixture
def tls_api(authority: trustme.CA) -> Iterator[FakeEndorApi]:
    with api_with(authority.issue_cert("127.0.0.1")) as api:
        yield api


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_private_authority_is_trusted_where_it_is_named(
    variable: str, tls_api: FakeEndorApi, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, bundle)
    assert len(run_inside(config_for(tls_api, start_date=START)).records) == 20


def test_no_variable_turns_the_check_of_certificates_off(tls_api: FakeEndorApi, process: Process) -> None:
    off = {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "", "PYTHONHTTPSVERIFY": "0", "GIT_SSL_NO_VERIFY": "1"}
    output = process.run(config=config_for(tls_api, start_date=START), environment=off)
    assert output.code == 1
    (line,) = output.errors
    assert line.startswith(f"The TLS certificate of 127.0.0.1:{tls_api.port} was not accepted: ")
    assert "REQUESTS_CA_BUNDLE" in line
    assert tls_api.requests == []


@pytest.mark.parametrize(
    "certificate",
    [
        {"identities": ["other.example"]},
        {"identities": ["127.0.0.1"], "not_after": dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)},
    ],
    ids=["of another host", "expired"],
)
def test_a_certificate_of_a_trusted_authority_must_fit(
    certificate: dict[str, t.Any], authority: trustme.CA, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    identities = certificate.pop("identities")
    if "not_after" in certificate:
        certificate["not_before"] = certificate["not_after"] - dt.timedelta(days=1)
    with (
        api_with(authority.issue_cert(*identities, **certificate)) as api,
        pytest.raises(TapError, match="was not accepted"),
    ):
        run_inside(config_for(api, start_date=START))
    assert api.requests == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "", "no certificate", "False"])
def test_a_bundle_that_holds_no_certificate_is_told_in_one_line(
    content: str | None, variable: str, tls_api: FakeEndorApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv(variable, "False" if content == "False" else str(path))
    with pytest.raises(ApiError, match=rf"^{variable} takes a file of certificates in PEM form, not '.*': .+\.$"):
        run_inside(config_for(tls_api, start_date=START))
    assert tls_api.requests == []


def test_plain_http_is_for_loopback_alone(tmp_path: Path) -> None:
    (line,) = run_command(tmp_path, config=CONFIG | {"api_url": "http://192.0.2.1"}).errors
    assert line.startswith(
        "Setting api_url takes an https URL such as https://api.endorlabs.com, without a user or a query "
        "(http only to loopback)"
    )


@pytest.mark.parametrize("where", ["auth", "list"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_credential_follows_a_redirect(status: int, where: t.Literal["auth", "list"], api: FakeEndorApi) -> None:
    with RawServer(lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]) as elsewhere:
        location = {"Location": f"{elsewhere.url}/v1/auth/api-key"}
        api.fail(Fault.status(status, headers=location), where=where, times=None)
        with pytest.raises(TapError, match=f"it redirects to {elsewhere.address}, which is not followed"):
            run_inside(config_for(api, start_date=START))
    assert elsewhere.seen == []


@pytest.mark.parametrize("page_size", [1, 500])
def test_what_an_answer_says_of_the_next_page_is_only_ever_a_parameter(page_size: int, api: FakeEndorApi) -> None:
    with RawServer(lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]) as elsewhere:
        events = [
            {"uuid": f"{elsewhere.url}/?n={n}&list_parameters.archive=true#", "meta": {"create_time": START}}
            for n in range(3)
        ]
        following = {"next_page_token": 3, "next_page_id": f"{elsewhere.url}/"}
        page = {"list": {"objects": events, "response": following}, "next": elsewhere.url}
        api.fail(Fault.raw(json.dumps(page).encode()))
        with contextlib.suppress(TapError):  # the fake knows no such page
            run_inside(config_for(api, start_date=START, page_size=page_size))
    assert len(api.list_requests) > 1
    assert elsewhere.seen == []
    own = "/v1/namespaces/acme/audit-logs"
    assert {request.path for request in api.list_requests} == {own, f"{own}/archived"}
    assert all("list_parameters.archive" not in request.query for request in api.list_requests)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_a_loopback_address_is_asked_without_a_proxy(
    name: str, api: FakeEndorApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(lambda: [b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"]) as proxy:
        monkeypatch.setenv(name, proxy.url)
        assert run_inside(config_for(api, start_date=START)).records
    assert proxy.seen == []


CONFIG = {
    "namespace": "acme",
    "api_key": DEMO_KEY,
    "api_secret": DEMO_SECRET,
    "start_date": START,
    "api_url": "https://endor.example",
}


@pytest.mark.parametrize(
    ("answer", "tries", "line"),
    [
        (407, 1, "The proxy wants a user and password, or refused those in HTTPS_PROXY or ALL_PROXY (407). "),
        (403, 1, "The proxy does not connect to endor.example: Tunnel connection failed: 403 "),
        (502, 2, "The proxy on the way to endor.example could not be used: Tunnel connection failed: 502 "),
    ],
)
def test_a_proxy_sees_no_credential_of_the_api_and_no_log_that_of_the_proxy(
    answer: int, tries: int, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(lambda: [f"HTTP/1.1 {answer} {PASSWORD}\r\n\r\n".encode("latin-1")]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:{IN_URL}@{proxy.address}")
        output = run_command(tmp_path, config=CONFIG)
    text = output.stderr
    assert output.errors[0].startswith(line)
    assert len(proxy.seen) == tries
    for head in proxy.seen:
        assert head.startswith(b"CONNECT endor.example:443 HTTP/1.")
        assert b"Proxy-Authorization: Basic " in head
        assert DEMO_KEY.encode() not in head
        assert DEMO_SECRET.encode() not in head
    assert f"Tunnel connection failed: {answer}" in text
    assert_no_password(text)


def test_a_proxy_that_is_not_there_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    (line,) = run_command(tmp_path, config=CONFIG).errors
    assert "The proxy on the way to endor.example could not be used" in line
    assert "Check HTTPS_PROXY" in line


def test_a_socks_proxy_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    (line,) = run_command(tmp_path, config=CONFIG).errors
    assert line == "HTTPS_PROXY names a SOCKS proxy: install the package pysocks beside the tap."


def test_what_speaks_no_tls_is_told(tmp_path: Path, empty_api: FakeEndorApi) -> None:
    output = run_command(tmp_path, config=CONFIG | {"api_url": empty_api.url.replace("http:", "https:")})
    (line,) = output.errors
    assert "failed: it speaks no TLS ([SSL: WRONG_VERSION_NUMBER] " in line
    assert line.endswith("Check the network, the proxy if there is one, and api_url.")


@pytest.mark.parametrize(
    "proxy",
    [
        f"http://someone:{IN_URL}@[::1:3128",
        f"http://someone:{IN_URL}@127.0.0.1:99999",
        f"http://someone:{IN_URL}@127.0.0.1:port",
        f"http://someone:{PASSWORD}@127.0.0.1:port",
        f"http://someone:{IN_URL}@",
        f"http:/someone:{IN_URL}@127.0.0.1",
        f"someone:{IN_URL}@127.0.0.1:1",
        f"nonsense://someone:{IN_URL}@127.0.0.1:1",
        f"socks5://someone:{IN_URL}@127.0.0.1:1",
    ],
)
def test_a_wrong_proxy_is_told_without_its_password(
    proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    text = run_command(tmp_path, config=CONFIG).stderr
    assert "Unexpected" not in text
    assert_no_password(text)


def assert_no_password(text: str) -> None:
    pair = f"someone:{PASSWORD}".encode()
    for form in (PASSWORD, IN_URL, b64encode(pair).decode(), b64encode(PASSWORD.encode()).decode()):
        assert form not in text


def test_proxies_are_used_but_for_the_hosts_that_need_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with RawServer(lambda: [b"HTTP/1.1 502 Bad Gateway\r\n\r\n"]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "endor.invalid")
        run_command(tmp_path, config=CONFIG | {"api_url": "https://endor.invalid"})
        assert proxy.seen == []
        run_command(tmp_path, config=CONFIG)
        assert len(proxy.seen) == 2


def test_a_netrc_file_adds_no_credentials(api: FakeEndorApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with pytest.raises(TapError, match="refused the API key"):
        run_inside(config_for(api, start_date=START, api_secret="wrong"))
    assert all("Authorization" not in request.headers for request in api.auth_requests)
