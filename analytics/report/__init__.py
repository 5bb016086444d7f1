"""An HTML page that shows what happened: `python -m analytics.report`."""

from __future__ import annotations
