"""Authentication: an API key is exchanged for a bearer token."""

from __future__ import annotations

import requests


def log_in(api_url: str, key: str, secret: str) -> str:
    """Exchange an API key for a token."""
    answer = requests.post(f"{api_url}/v1/auth/api-key", json={"key": key, "secret": secret}, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["token"])
