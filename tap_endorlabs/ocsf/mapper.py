"""The mapper: what becomes of each message between the tap and a target, and how it is called."""

from __future__ import annotations

import datetime as dt
import typing as t
from functools import partial

import click
import msgspec
from singer_sdk.cli import plugin_cli
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.mapper_base import InlineMapper
from typing_extensions import override

from tap_endorlabs.cli import TapCommand, check_log_level, merged_config
from tap_endorlabs.coercion import from_environment
from tap_endorlabs.errors import TapError
from tap_endorlabs.ocsf.events import classes_of, event_of
from tap_endorlabs.ocsf.lines import Line, LineReader, LineWriter
from tap_endorlabs.ocsf.schema import schema_message, stream_of
from tap_endorlabs.ocsf.settings import SETTINGS_SCHEMA, OcsfSettings, find_mismatches
from tap_endorlabs.redaction import Secrets
from tap_endorlabs.sync.signals import Signals
from tap_endorlabs.validation import find_errors

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_ENVIRONMENT = "ENDORLABS_OCSF_"
_OBJECTS = ("tenant_meta", "meta", "spec")
_encode = msgspec.json.Encoder().encode


class _Schema(msgspec.Struct):
    properties: dict[str, msgspec.Raw]


_schema = msgspec.json.Decoder(_Schema)


class OcsfMapper(InlineMapper):
    """Singer mapper that makes OCSF events of the records of tap-endorlabs."""

    name = "endorlabs-ocsf"
    package_name = "tap-endorlabs"
    config_jsonschema = SETTINGS_SCHEMA
    capabilities: t.ClassVar[list[t.Any]] = [PluginCapabilities.ABOUT, PluginCapabilities.STRUCTURED_LOGGING]
    message_reader_class = LineReader

    def __init__(self, *, config: dict[str, t.Any] | None = None, **kwargs: t.Any) -> None:  # noqa: ANN401
        """Take what `singer_sdk.InlineMapper` takes.

        Raises:
            ConfigValidationError: the settings are wrong; its `errors` has a line for each.
        """
        self._signals = Signals()
        given = _checked(dict(config or {}))
        super().__init__(config=given, message_writer=LineWriter(self._signals), **kwargs)
        self._settings = OcsfSettings.of(given)

    # The SDK's handler ends with exit code 0, as if all had been mapped, and also within a line.
    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        self._signals.handle(signum)

    @override
    def map_schema_message(self, message_dict: dict[str, t.Any]) -> Iterator[Line]:
        """Give the schemas of what a stream becomes.

        Raises:
            TapError: the stream has not the form that the tap gives it.
        """
        classes = classes_of(message_dict["stream"], self._settings)
        if not classes:
            yield Line(message_dict["line"])
        else:
            _check_form(message_dict)
        for event_class in classes:
            yield _line(schema_message(event_class, key_column=self._settings.key_column))

    @override
    def map_record_message(self, message_dict: dict[str, t.Any]) -> Iterator[Line]:
        """Give the event of a record; records of other streams stay as they are.

        Raises:
            UnmappableError: the record has no key or no time.
        """
        stream, fields = message_dict["stream"], message_dict["fields"]
        if not classes_of(stream, self._settings):
            yield Line(message_dict["line"])
            return
        event_class, event = event_of(stream, fields.get("record", msgspec.Raw(b"null")), self._settings)
        yield _line({**fields, "stream": stream_of(event_class), "record": event})

    @override
    def map_state_message(self, message_dict: dict[str, t.Any]) -> Iterator[Line]:
        """Pass a state on."""
        yield Line(message_dict["line"])

    @override
    def map_activate_version_message(self, message_dict: dict[str, t.Any]) -> Iterator[Line]:
        """Give the version of a stream to all that it becomes."""
        classes = classes_of(message_dict["stream"], self._settings)
        if not classes:
            yield Line(message_dict["line"])
        for event_class in classes:
            yield _line({**message_dict["fields"], "stream": stream_of(event_class)})

    @override
    def map_batch_message(self, message_dict: dict[str, t.Any]) -> Iterator[Line]:
        """Pass a batch on if it is of another stream.

        Raises:
            TapError: it is of a stream that is to be mapped.
        """
        if classes_of(message_dict["stream"], self._settings):
            raise TapError("Batch files can't be mapped: leave the setting batch_config out of the tap's settings.")
        yield Line(message_dict["line"])

    @classmethod
    @override
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: t.Any = None,
        file_input: t.Any = None,
    ) -> None:
        """Do what the command line asks for.

        Args:
            about: print what the mapper is and takes.
            about_format: how to print it.
            config: the merged `--config` files.
            file_input: what to read instead of stdin.

        Raises:
            TapError: something could not be mapped.
        """
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        variables = from_environment(_ENVIRONMENT, SETTINGS_SCHEMA["properties"]) if config.parse_env else {}
        cls(config=config.config | variables).listen(file_input)

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
        check_log_level(f"{_ENVIRONMENT}LOGLEVEL", "LOGLEVEL")
        return super().cli

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Give the command line of the SDK, with failures told in a line each."""
        text = "Read the Singer messages of tap-endorlabs from stdin, and write OCSF events to stdout."
        command = super().get_singer_command()
        for option in command.params:
            if option.name == "file_input":
                # As bytes, as from stdin: what is no UTF-8 is told by its line.
                option.type = click.File("rb")
        return TapCommand.of(command, text, logger=cls.logger, secrets=Secrets())


def _checked(config: dict[str, t.Any]) -> dict[str, t.Any]:
    """Give settings in which nothing is wrong, with the defaults of those that are not there.

    Raises:
        ConfigValidationError: something is wrong with them.
    """
    if config.get("version") is not None:
        # In YAML 1.5 is a number; in full it is 1.5.0.
        version = str(config["version"]).strip()
        config["version"] = version.removesuffix(".0") if version.count(".") > 1 else version
    now = dt.datetime.now(dt.timezone.utc)
    errors = find_errors(config, {"required": [], **SETTINGS_SCHEMA}, now) or find_mismatches(config)
    if errors:
        raise ConfigValidationError("The settings are wrong", errors=errors)
    return config


def _check_form(message: dict[str, t.Any]) -> None:
    """Refuse a stream whose fields the tap has renamed, as everything would end in `unmapped`.

    Raises:
        TapError: it is such a stream.
    """
    try:
        names = _schema.decode(message["fields"]["schema"]).properties
    except (KeyError, msgspec.DecodeError):
        names = {}
    flattened = [name for name in names if name.startswith(_OBJECTS) and name not in _OBJECTS]
    if flattened or not {"uuid", "create_time"} <= set(names):
        raise TapError(
            f"The stream {message['stream']} does not have the tap's own fields: leave the settings "
            "flattening_enabled and stream_maps out of the tap's settings, so that it can be mapped."
        )


def _line(message: dict[str, t.Any]) -> Line:
    return Line(_encode(message) + b"\n")
