"""The fault matrix: what goes wrong, when, and what must come of it. `tests/test_fault_matrix.py` runs it.

`python -m tests.fault_matrix` writes it as a table into docs/reliability.md.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from fake_endor_api import Fault
from tests.faults_in_runs import (
    LOG_IN,
    PAGES,
    Case,
    Outcome,
    behaves,
    doubled,
    fail_lookups,
    network_goes,
    out_of_order,
    refuse_connections,
    strikes,
    token_is_revoked,
    with_half_a_character,
    without_time,
    without_uuid,
)
from tests.markers import filled

DOCUMENT = Path(__file__).parent.parent / "docs" / "reliability.md"

SOMETHING_MISSING = 3
"""The exit code where all that is readable has been delivered, but something is missing."""

COMPLETE = Outcome("complete")
LEFT_OUT = Outcome(
    "all that is readable",
    SOMETHING_MISSING,
    says=("An object that can't be a record was left out", "1 object that can't be a record"),
)

_MOMENT, _ONCE, _THRICE, _FOR_EVER, _WHOLE_RUN = "a moment", "once", "3 times", "for ever", "the whole run"
_TIMES = {_ONCE: 1, _THRICE: 3, _FOR_EVER: None}
_FIVE_MINUTES = timedelta(minutes=5)


def _gives_up(cause: str, advice: str, within: str = "17 min") -> Outcome:
    return Outcome("resumes", 1, within, (cause, "Gave up after", advice))


def _ends(*says: str) -> Outcome:
    return Outcome("resumes", 1, "at once", says)


_BROKEN = _gives_up("The connection to", "Check the network, the proxy if there is one, and api_url.")
_REFUSED = _gives_up("Connection refused.", "Check the network, the proxy if there is one, and api_url.")
_NOT_FOUND = _gives_up(
    "Temporary failure in name resolution", "Check the network, the proxy if there is one, and api_url."
)
_NO_LIST = _gives_up(
    "sent a page that is not the JSON of a list", "Check api_url, and whether a proxy answers in its place."
)
_NO_TOKEN = _gives_up("The API's answer to the log-in is not a JSON object; check api_url.", "")
_LATE_TOKEN = _gives_up("did not answer within 1 s (request_timeout).", "Check the network, raise request_timeout")
_TOO_LATE = replace(_LATE_TOKEN, within="40 min")
_REFUSED_KEY = _ends("Endor Labs refused the API key")


def _failure(code: int) -> Outcome:
    other = "Check whether Endor Labs reports an outage, and run it again later."
    return _gives_up(f"answered {code}", "Check what else uses the same API key" if code == 429 else other)


def _passes_or_stays(
    name: str,
    fault: Fault,
    failure: Outcome,
    log_in: Outcome | None = None,
    lasts: tuple[str, ...] = (_ONCE, _FOR_EVER),
) -> list[Case]:
    """Give the rows of a fault: what passes must be survived, what stays ends the run."""
    rows = []
    for long in lasts:
        times = _TIMES[long]
        outcomes = (failure, log_in or failure) if times is None else (COMPLETE, COMPLETE)
        rows.append(Case(name, long, strikes(fault, times), *outcomes))
    return rows


_UNAVAILABLE = Fault.status(503)
_ERROR_WITH_200 = Fault.raw(b'{"code":14,"message":"upstream unavailable","details":[]}')

CASES = [
    Case("connection refused", _MOMENT, network_goes(refuse_connections, returns=True), COMPLETE, COMPLETE),
    Case("connection refused", _FOR_EVER, network_goes(refuse_connections, returns=False), _REFUSED, _REFUSED),
    Case("DNS failure", _MOMENT, network_goes(fail_lookups, returns=True), COMPLETE, COMPLETE),
    Case("DNS failure", _FOR_EVER, network_goes(fail_lookups, returns=False), _NOT_FOUND, _NOT_FOUND),
    *_passes_or_stays("connection reset before the answer", Fault.reset(), _BROKEN),
    *_passes_or_stays("connection reset inside the body", Fault.reset_in_body(), _BROKEN),
    *_passes_or_stays("200 with half of the JSON", Fault.truncated(), _NO_LIST, _NO_TOKEN),
    *_passes_or_stays("200 with HTML", Fault.html(), _NO_LIST, _NO_TOKEN),
    *_passes_or_stays("200 with nothing", Fault.empty(), _NO_LIST, _NO_TOKEN),
    *_passes_or_stays("200 in another encoding than it says", Fault.wrong_encoding(), _BROKEN),
    *_passes_or_stays("no answer within `request_timeout`", Fault.stall(3600), _TOO_LATE, _LATE_TOKEN),
    *_passes_or_stays("body halts beyond `request_timeout`", Fault.stall_in_body(3600), _TOO_LATE, _LATE_TOKEN),
    *(
        row
        for code in (408, 429, 500, 502, 503, 504)
        for row in _passes_or_stays(str(code), Fault.status(code), _failure(code), lasts=(_ONCE, _THRICE, _FOR_EVER))
    ),
    *_passes_or_stays(
        "503 with `Retry-After: 3600`",
        Fault.status(503, headers={"Retry-After": "3600"}),
        _ends("Gave up after 1 try", "Check whether Endor Labs reports an outage, and run it again later."),
        lasts=(_FOR_EVER,),
    ),
    *_passes_or_stays("200 with the error of a 503", _ERROR_WITH_200, _failure(200), lasts=(_ONCE, _FOR_EVER)),
    Case("token revoked early (401)", _ONCE, token_is_revoked(_UNAVAILABLE, 0), COMPLETE, log_ins=range(2, 3)),
    Case(
        "token revoked, log-in answers 503", _THRICE, token_is_revoked(_UNAVAILABLE, 3), COMPLETE, log_ins=range(5, 6)
    ),
    Case(
        "token revoked, log-in answers 503",
        _FOR_EVER,
        token_is_revoked(_UNAVAILABLE, None),
        _failure(503),
        log_ins=range(2, 10),
    ),
    Case(
        "token revoked, log-in never answers",
        _FOR_EVER,
        token_is_revoked(Fault.stall(3600), None),
        _LATE_TOKEN,
        log_ins=range(2, 10),
    ),
    Case(
        "token expires every second",
        _WHOLE_RUN,
        behaves(token_lifetime=timedelta(seconds=1), latency=0.7),
        COMPLETE,
        whole_run=True,
        log_ins=range(2, 13),
    ),
    *_passes_or_stays(
        "401",
        Fault.status(401),
        Outcome("resumes", 1, "10 s", ("A new token was refused as well", "Check it in Endor Labs")),
        _REFUSED_KEY,
        (_FOR_EVER,),
    ),
    *_passes_or_stays("403", Fault.status(403), _ends("give it the role Read-only"), _REFUSED_KEY, (_FOR_EVER,)),
    Case("object without `uuid`", _FOR_EVER, without_uuid, LEFT_OUT),
    Case("object without a readable `meta.create_time`", _FOR_EVER, without_time, LEFT_OUT),
    Case("object with half a character (`\\ud83d`)", _FOR_EVER, with_half_a_character, LEFT_OUT),
    Case("page out of order", _ONCE, out_of_order, COMPLETE),
    Case("no page in order", _WHOLE_RUN, behaves(ignore_sort=True), COMPLETE, whole_run=True),
    Case("object twice in a page", _FOR_EVER, doubled, COMPLETE),
    Case("`next_page_token` never ends", _WHOLE_RUN, behaves(endless_token=True), COMPLETE, whole_run=True),
    Case("own clock 5 min fast", _WHOLE_RUN, behaves(), COMPLETE, whole_run=True, clock_ahead=-_FIVE_MINUTES),
    Case("own clock 5 min slow", _WHOLE_RUN, behaves(), COMPLETE, whole_run=True, clock_ahead=_FIVE_MINUTES),
]


def table() -> str:
    """Give the matrix in Markdown."""
    rows = [
        f"| fault | lasts | {LOG_IN} | {' | '.join(PAGES)} | exit code | ends within | the line on stderr says |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        log_in = "" if case.log_in is None else case.log_in.result
        line = _said(case.outcome)
        if case.log_in is not None and case.log_in.says != case.outcome.says:
            line += f" (at the log-in: {_said(case.log_in)})"
        outcome = case.outcome
        places = [log_in, *[outcome.result] * len(PAGES)]
        rows.append(
            f"| {case.fault} | {case.lasts} | {' | '.join(places)} | {outcome.code} | {outcome.within} | {line} |"
        )
    runs = sum(len(case.cells) for case in CASES)
    return "\n".join([*rows, "", f"These are {len(CASES)} rows and {runs} runs, each followed by a healthy one."])


def _said(outcome: Outcome) -> str:
    return " … ".join(part for part in outcome.says if part)


def with_table(document: str) -> str:
    """Give a document with the matrix between its markers."""
    return filled(document, "fault matrix", table())


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))
