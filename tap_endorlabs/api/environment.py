"""What the environment says of the way to the API: proxies, and the authorities whose certificates are accepted."""

from __future__ import annotations

import os
import re
import ssl
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from requests.utils import get_environ_proxies
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from tap_endorlabs.errors import ApiError, one_line
from tap_endorlabs.settings import is_loopback

_USER_INFO = re.compile(r"(?:[^:/]*://)?(.*)@", re.DOTALL)


def proxies_for(url: str) -> dict[str, str]:
    """Give the proxies to use for a URL, by scheme: those of `HTTPS_PROXY` and its like, but for hosts in `NO_PROXY`.

    A loopback address is never asked for at a proxy, which would look for it on its own machine; over plain http it
    would see the credentials as well.

    Raises:
        ApiError: the environment names a proxy that can't be one.
    """
    if is_loopback(urlsplit(url).hostname or ""):
        return {}
    proxies = {scheme: proxy for scheme, proxy in get_environ_proxies(url).items() if scheme in {"https", "all"}}
    for scheme, proxy in proxies.items():
        if not _has_host(proxy):
            # Without the URL, and without the cause, which repeats it: there may be a password in it.
            raise ApiError(
                f"{scheme.upper()}_PROXY takes the URL of a proxy, such as http://proxy.example:3128; "
                "special characters in a user name or password are written as %XX."
            )
        if proxy.startswith("socks") and find_spec("socks") is None:
            raise ApiError(f"{scheme.upper()}_PROXY names a SOCKS proxy: install the package pysocks beside the tap.")
    return proxies


def _has_host(proxy: str) -> bool:
    try:
        return bool(parse_url(proxy).host)
    except LocationParseError:
        return False


def passwords_of(proxies: dict[str, str]) -> set[str]:
    """Give the credentials in the URLs of proxies, in all the forms in which a message could show them."""
    infos = {match[1] for url in proxies.values() if (match := _USER_INFO.match(url))}
    return {form for info in infos for text in (info, info.partition(":")[2]) for form in (text, unquote(text))}


def ca_bundle_for(url: str) -> str | bool:
    """Give the file or folder of the authorities to trust, True for those that come with requests.

    Raises:
        ApiError: the environment names something that holds no certificates.
    """
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(variable)
        if path and urlsplit(url).scheme == "https":
            try:
                kind = "capath" if Path(path).is_dir() else "cafile"
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(**{kind: path})
            except (OSError, ValueError) as error:
                raise ApiError(
                    f"{variable} takes a file of certificates in PEM form, not {one_line(path, 200)!r}: "
                    f"{one_line(error.strerror or str(error) if isinstance(error, OSError) else str(error))}."
                ) from error
            return path
    return True
