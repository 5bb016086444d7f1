"""The kill campaign: chains of runs that are killed, fail and are resumed, held against what is in the log.

`python -m tests.soak` plays many rounds, `tests/test_soak.py` a few. A round comes from its seed alone, as far as the
timing of processes allows.
"""

from __future__ import annotations
