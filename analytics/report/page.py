"""The page, made of the answers."""

from __future__ import annotations

import datetime as dt
import typing as t

import jinja2
from markupsafe import Markup

from analytics.report import charts
from analytics.report.answers import Listing
from analytics.report.legible import legible

if t.TYPE_CHECKING:
    from analytics.report.answers import Answers
    from analytics.report.verified import Verdict

_LONGEST_TEXT = 200
_ACTIVITIES = {
    "change": "changes",
    "sign-in": "sign-ins",
    "scan": "scans",
    "telemetry": "page visits (telemetry)",
}


def render(answers: Answers, verdict: Verdict, made_at: dt.datetime, *, made_up: bool = False) -> str:
    """Give the page, in which all data is escaped.

    Args:
        answers: what it shows.
        verdict: what is known of the completeness.
        made_at: when it is made, in UTC.
        made_up: whether the events are no real ones.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analytics.report", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["shown"] = shown
    totals = [{"what": _ACTIVITIES[row["activity"]], **row} for row in answers.activities]
    # The charts' texts have been escaped.
    pictures = {
        draw.__name__: Markup(draw(answers)) if rows else ""  # noqa: S704
        for draw, rows in (
            (charts.alerts_by_day, answers.alerts_by_day),
            (charts.changes_by_day, answers.changes_by_day),
            (charts.changes_by_actor, answers.changes_by_actor.rows),
            (charts.changes_by_hour, answers.changes_by_hour),
        )
    }
    page: str = environment.get_template("page.html.j2").render(
        answers=answers,
        figures=answers.figures,
        totals=Listing(totals, len(totals)),
        verdict=verdict,
        made_at=made_at,
        made_up=made_up,
        **pictures,
    )
    return page


def shown(value: t.Any, longest: int = _LONGEST_TEXT) -> str:  # noqa: ANN401 - whatever a column holds
    """Give a value as the page shows it; a text that would fill the page is cut."""
    if value is None or value == "":
        return "-"
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "seconds").removesuffix("+00:00")
    if isinstance(value, int):
        return f"{value:,}"
    # An address that is too long for its column goes on with its domain.
    spread: str = Markup("<wbr>@").join(legible(str(value), longest).split("@"))
    return spread
