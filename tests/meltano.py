"""How the demo and the tests drive Meltano against a fake of the API."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    import datetime as dt

PLUGINS = Path(__file__).parent.parent / ".meltano"


def environment_for(url: str, folder: Path, start: dt.datetime) -> dict[str, str]:
    """Give Meltano's environment variables: the fake API, and nothing of the user's own credentials or databases.

    Args:
        url: of the fake API.
        folder: an absolute path; gets Meltano's database and what it writes in a run, so that runs don't meet.
        start: the tap's `start_date`, an aware datetime.
    """
    users = ("ENDOR_", "MELTANO_", "TAP_", "TARGET_")
    own = folder / ".meltano"
    own.mkdir(exist_ok=True)
    for kind in ("extractors", "loaders", "mappers"):
        (PLUGINS / kind).mkdir(parents=True, exist_ok=True)
        if not (own / kind).exists():
            (own / kind).symlink_to(PLUGINS / kind)
    return {name: value for name, value in os.environ.items() if not name.startswith(users)} | {
        "ENDOR_API": url,
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
        "MELTANO_DATABASE_URI": f"sqlite:///{folder}/meltano.db",
        "MELTANO_ENVIRONMENT": "demo",
        "MELTANO_SYS_DIR_ROOT": str(own),
        "TAP_ENDORLABS_START_DATE": start.isoformat(timespec="seconds"),
    }
