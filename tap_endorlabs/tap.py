"""The tap: its settings, its streams, and how it is called."""

from __future__ import annotations

import datetime as dt
import typing as t
from functools import cached_property, partial

import click
from singer_sdk import Tap
from singer_sdk.cli import plugin_cli
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_endorlabs.api.client import Api
from tap_endorlabs.api.retry import Retry
from tap_endorlabs.cli import TapCommand, check_log_level, merged_config, read_json, require_selected, require_settings
from tap_endorlabs.coercion import from_environment
from tap_endorlabs.errors import IncompleteError
from tap_endorlabs.redaction import Secrets
from tap_endorlabs.settings import BATCH_CONFIG, OWN_SETTINGS, SETTINGS_SCHEMA, Settings
from tap_endorlabs.streams import STREAMS
from tap_endorlabs.sync.bookmark import Scope
from tap_endorlabs.sync.mapping import mapper_for
from tap_endorlabs.sync.messages import MessageWriter
from tap_endorlabs.sync.progress import log_request
from tap_endorlabs.sync.selection import check_catalog, complete_catalog, with_others
from tap_endorlabs.sync.signals import Signals
from tap_endorlabs.sync.state import bookmarks_in, in_own_form
from tap_endorlabs.validation import find_errors

if t.TYPE_CHECKING:
    from types import FrameType

    import requests

    from tap_endorlabs.sync.log_stream import LogStream

_OPTIONS = {
    "config": "JSON file with the settings; or ENV, for variables such as TAP_ENDORLABS_NAMESPACE. May be given twice.",
    "test": "Test the API key with one small request. --test=probe finds out how the API answers and "
    "writes probe-report.md; --test=schema prints the schemas without a request.",
    "catalog": "JSON file with the selected streams and fields, in the form that --discover prints.",
    "state": "JSON file with the state that the last run left.",
}


class TapEndorLabs(Tap):
    """Singer tap for the audit logs of Endor Labs."""

    name = "tap-endorlabs"
    config_jsonschema = SETTINGS_SCHEMA
    message_writer_class = MessageWriter

    retry = Retry()
    """How requests are retried, here for tests to change."""

    secrets = Secrets()
    """What no log line of this process may show."""

    def __init__(self, *, parse_env_config: bool = False, **kwargs: t.Any) -> None:  # noqa: ANN401
        """Take what `singer_sdk.Tap` takes.

        Raises:
            ConfigValidationError: the settings are wrong; its `errors` has a line for each.
            StateError: the state is of another tap, or broken.
            TapError: the catalog is broken.
        """
        self._signals = Signals()
        if isinstance(kwargs.get("catalog"), dict):
            check_catalog(kwargs["catalog"])
        super().__init__(parse_env_config=parse_env_config, **kwargs)

    # The SDK would cast what the variables say, and so take any text for false. And a file `.env` in a folder above its
    # own would count more than they do.
    @classproperty
    def _env_var_config(cls) -> dict[str, t.Any]:  # noqa: N805 - as in the SDK
        cls.append_builtin_config(cls.config_jsonschema)
        return from_environment(cls._env_var_prefix, cls.config_jsonschema["properties"])

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, t.Any]) -> None:
        """Add the settings of the SDK to a schema."""
        config_jsonschema["properties"]["batch_config"] = BATCH_CONFIG
        super().append_builtin_config(config_jsonschema)

    # The SDK words these messages itself, shows the value of a secret that has the wrong type in them, and offers no
    # public way to add checks that JSON schema can't express.
    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        self.secrets.add(*(str(self._config.get(name) or "") for name, s in OWN_SETTINGS.items() if s.get("secret")))
        self.append_builtin_config(self.config_jsonschema)
        errors = find_errors(self._config, self.config_jsonschema, dt.datetime.now(dt.timezone.utc))
        if errors and raise_errors:
            raise ConfigValidationError("The settings are wrong", errors=errors)
        return errors

    # The SDK's handler writes a state from wherever the signal struck, also between a record and its bookmark, and ends
    # with exit code 0, as if the run were complete. It has no public hook.
    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        self._signals.handle(signum)

    @override
    def discover_streams(self) -> list[LogStream]:
        """Give the streams; neither credentials nor network are needed."""
        return [stream(self, lambda: self.api, self._signals) for stream in STREAMS.values()]

    @property
    @override
    def catalog_dict(self) -> dict[str, t.Any]:
        """The streams, as `--discover` shows them."""
        return with_others(super().catalog_dict)

    @override
    def setup_mapper(self) -> None:
        """Set up what stream maps and flattening make of records.

        Raises:
            TapError: a setting of theirs fails.
        """
        complete_catalog(self.catalog, {name: stream.selected_by_default for name, stream in STREAMS.items()})
        self.mapper = mapper_for(dict(self.config), self.catalog, self.logger)

    @override
    def load_state(self, state: t.Any) -> None:
        """Take the state of the run before.

        Raises:
            StateError: it is broken, or of another tap or namespace.
        """
        bookmarks = bookmarks_in(state, STREAMS)
        if bookmarks:
            scope = Scope.of(Settings.of(self.config))
            own = {name: in_own_form(bookmarks[name], scope) for name in STREAMS.keys() & bookmarks.keys()}
            super().load_state({"bookmarks": bookmarks | own})

    @cached_property
    def api(self) -> Api:
        """The way to the API, shared by all streams."""
        return Api.of(Settings.of(self.config), self.retry, self.secrets, self.logger, self._measure)

    def _measure(self, answer: requests.Response, succeeded: bool) -> None:  # noqa: FBT001 - called by position
        log_request(self.metrics_logger, answer, succeeded=succeeded)

    def raise_if_incomplete(self) -> None:
        """Fail if the streams found something missing.

        Raises:
            IncompleteError: they did.
        """
        missing = [line for stream in self.streams.values() for line in t.cast("LogStream", stream).missing]
        if missing:
            raise IncompleteError(" ".join(missing))

    @classmethod
    @override
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: t.Any = None,
        state: t.TextIO | None = None,
        catalog: t.TextIO | None = None,
    ) -> None:
        """Do what the command line asks for.

        Args:
            about: print what the tap is and takes.
            about_format: how to print it.
            config: the merged `--config` files.
            state: the `--state` file.
            catalog: the `--catalog` file.

        Raises:
            TapError: the run could not be completed.
        """
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        require_settings(config, cls.logger)
        tap = cls(
            config=config.config,
            state=read_json("--state", state),
            catalog=read_json("--catalog", catalog),
            parse_env_config=config.parse_env,
        )
        require_selected(tap.streams)
        tap.sync_all()
        # The process is about to end anyway, and its exit code is to tell that all has been delivered.
        tap._signals.ignore_from_now_on()
        tap.raise_if_incomplete()

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Prove that what is read by default can be read, without a word on stdout; or probe how the API answers.

        The SDK would write messages, and also try streams that nobody has selected.
        """
        if value in {CliTestOptionValue.Disabled.value, CliTestOptionValue.Schema.value}:
            super().cb_test(ctx, param, value)
            return
        if value not in {CliTestOptionValue.All.value, "probe"}:
            raise click.BadParameter("takes nothing, schema or probe.", ctx, param)
        config = ctx.params["config"]
        require_settings(config, cls.logger)
        tap = cls(config=config.config, parse_env_config=config.parse_env)
        tap.retry = tap.retry.for_a_test()
        for stream in t.cast("list[LogStream]", list(tap.streams.values())):
            if stream.selected and value == "probe":
                # No other run is to wait for its import.
                from tap_endorlabs.probe.asking import Asker  # noqa: PLC0415
                from tap_endorlabs.probe.contact import first_contact  # noqa: PLC0415

                asker = Asker(Settings.of(tap.config), stream.resource, tap.retry, tap.secrets, tap.logger)
                first_contact(asker, stream.schema, tap.logger)
            elif stream.selected:
                stream.prove_access()
        ctx.exit()

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> t.Any:
        """Read the `--config` files.

        Raises:
            TapError: one of them can't be read, or is not a JSON object.
        """
        return merged_config(value, partial(super().cb_config, ctx, param))

    # The SDK would end with a traceback where there is no such log level.
    @plugin_cli
    def cli(cls) -> click.Command:  # noqa: N805 - as in the SDK
        """Give the command line, with a log."""
        check_log_level("TAP_ENDORLABS_LOGLEVEL", "LOGLEVEL")
        return super().cli

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Give the command line of the SDK, with failures told in a line each."""
        text = "Read the audit logs of Endor Labs and write them as Singer messages."
        return TapCommand.of(super().get_singer_command(), text, _OPTIONS, logger=cls.logger, secrets=cls.secrets)
