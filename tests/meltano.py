"""How the demo and the tests drive Meltano against a fake of the API."""

from __future__ import annotations

import os
import typing as t

if t.TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path


def environment_for(url: str, folder: Path, start: dt.datetime) -> dict[str, str]:
    """Give Meltano's environment variables: the fake API, and nothing of the user's own credentials or databases.

    Args:
        url: of the fake API.
        folder: an absolute path; gets Meltano's database.
        start: the tap's `start_date`, an aware datetime.
    """
    users = ("ENDOR_", "MELTANO_", "TAP_", "TARGET_")
    return {name: value for name, value in os.environ.items() if not name.startswith(users)} | {
        "ENDOR_API": url,
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
        "MELTANO_DATABASE_URI": f"sqlite:///{folder}/meltano.db",
        "MELTANO_ENVIRONMENT": "demo",
        "TAP_ENDORLABS_START_DATE": start.isoformat(timespec="seconds"),
    }
