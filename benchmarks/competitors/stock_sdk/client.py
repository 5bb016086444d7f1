"""REST client handling."""

from __future__ import annotations

import decimal
import typing as t
from functools import cached_property

from singer_sdk import RESTStream
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.helpers.jsonpath import extract_jsonpath
from singer_sdk.pagination import OffsetPaginator

from benchmarks.competitors.stock_sdk.auth import log_in

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context

PAGE_SIZE = 500


class StockStream(RESTStream[int]):
    """Stream class of the API."""

    records_jsonpath = "$.list.objects[*]"

    @property
    def url_base(self) -> str:
        """The API's URL."""
        return f"{self.config['api_url']}/v1/namespaces/{self.config['namespace']}"

    @cached_property
    def authenticator(self) -> BearerTokenAuthenticator:
        """What adds the token to requests."""
        token = log_in(self.config["api_url"], self.config["api_key"], self.config["api_secret"])
        return BearerTokenAuthenticator(token=token)

    def get_new_paginator(self) -> OffsetPaginator:
        """Give a paginator, which ends at the first empty page."""
        return OffsetPaginator(start_value=0, page_size=PAGE_SIZE)

    def get_url_params(self, context: Context | None, next_page_token: int | None) -> dict[str, t.Any]:
        """Give the parameters of a request."""
        params: dict[str, t.Any] = {"list_parameters.page_size": PAGE_SIZE, "list_parameters.traverse": "true"}
        if next_page_token:
            params["list_parameters.page_token"] = next_page_token
        if self.replication_key:
            params["list_parameters.sort.path"] = "meta.create_time"
            params["list_parameters.sort.order"] = "SORT_ENTRY_ORDER_ASC"
        if start := self.get_starting_timestamp(context):
            params["list_parameters.filter"] = f"meta.create_time>=date({start:%Y-%m-%dT%H:%M:%SZ})"
        return params

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, t.Any]]:
        """Give the records of a page."""
        yield from extract_jsonpath(self.records_jsonpath, input=response.json(parse_float=decimal.Decimal))
