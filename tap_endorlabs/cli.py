"""The command line: a failure ends in one clear line each, without a traceback unless the log level is debug."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import os
import sys
import typing as t
import warnings
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import click
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError

from tap_endorlabs.coercion import misspelled
from tap_endorlabs.errors import StateError, TapError, TargetGoneError, one_line
from tap_endorlabs.redaction import Secrets, guarded_log
from tap_endorlabs.settings import OWN_SETTINGS
from tap_endorlabs.streams import STREAMS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from singer_sdk import Stream


_STATE_ADVICE = "If it has several lines, as some targets print, the last line is the state. Or leave --state out."
_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class TapCommand(click.Command):
    """Runs the tap, or the mapper, and says what went wrong.

    Args:
        logger: gets the lines.
        secrets: what no line may show.
        args: what `click.Command` takes.
        kwargs: likewise.
    """

    def __init__(self, *args: t.Any, logger: logging.Logger, secrets: Secrets, **kwargs: t.Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._logger = logger
        self._secrets = secrets

    @classmethod
    def of(
        cls,
        command: click.Command,
        text: str,
        options: Mapping[str, str] = MappingProxyType({}),
        *,
        logger: logging.Logger,
        secrets: Secrets,
    ) -> TapCommand:
        """Make one of a command of the SDK.

        Args:
            command: the command.
            text: what it does.
            options: what an option does, by its name, where the SDK's words are not true of it, or too few.
            logger: gets the lines.
            secrets: what no line may show.
        """
        for option in command.params:
            if isinstance(option, click.Option):
                option.help = options.get(str(option.name), option.help)
        return cls(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=text,
            context_settings=command.context_settings,
            logger=logger,
            secrets=secrets,
        )

    def main(self, *args: t.Any, **kwargs: t.Any) -> t.Any:  # noqa: ANN401
        """Run the command; a failure of its own ends the process with the error's exit code, or with 1."""
        logging.captureWarnings(capture=True)
        # Meltano asks for all warnings, and where a run fails, files that it was given are still open.
        warnings.simplefilter("ignore", ResourceWarning)
        _share_memory_between_threads()
        _collect_garbage_seldom()
        with guarded_log(self._secrets):
            try:
                if sys.stdout is None:
                    # The next file or connection to be opened would take its place.
                    raise TapError("The tap's stdout is closed: send the output to a file or a target.")  # noqa: TRY301
                return super().main(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must end in one line
                self._report(error)
                sys.exit(error.exit_code if isinstance(error, TapError) else 1)

    def _report(self, error: Exception) -> None:
        trace = error if self._logger.isEnabledFor(logging.DEBUG) else None
        for line in _lines(error, self._logger.name):
            self._logger.error("%s", line, exc_info=trace)
        if isinstance(error, TargetGoneError):
            # Python would flush stdout once more at exit, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def read_json(
    option: str, file: t.TextIO | None, parse_float: Callable[[str], object] = float
) -> dict[str, t.Any] | None:
    """Read the file that an option names.

    Args:
        option: the option.
        file: the open file, None where the option was not given.
        parse_float: makes a value of a number with a point.

    Raises:
        TapError: it is not a JSON object; a StateError where the option is --state.
    """
    if file is None:
        return None
    try:
        # Given bytes, it finds the encoding itself: programs on Windows put a byte order mark first.
        text = file.buffer.read()
        if not text.strip():
            raise _unusable(option, f"{option} {file.name} is empty.", "Leave --state out of a first run.")
        content = json.loads(text, parse_float=parse_float)
    except (ValueError, RecursionError) as error:
        fault = f"{option} {file.name} is not JSON: {one_line(str(error))}."
        raise _unusable(option, fault, _STATE_ADVICE) from error
    if not isinstance(content, dict):
        raise TapError(f"{option} {file.name} is not a JSON object.")
    return content


def _unusable(option: str, fault: str, advice: str) -> TapError:
    return StateError(fault, advice) if option == "--state" else TapError(fault)


def read_settings(path: str) -> dict[str, t.Any]:
    """Read a `--config` file.

    Raises:
        TapError: it can't be read, or is not a JSON object.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            # As a Decimal, 100.0 is no integer.
            return read_json("--config", file, Decimal) or {}
    except OSError as error:
        if "{" in path:  # the settings themselves, with the secrets in them
            raise TapError("--config takes the path of a JSON file, not JSON.") from None
        raise TapError(f"--config {path} can't be read: {error.strerror}.") from error


def merged_config(paths: tuple[str, ...], of_sdk: Callable[[tuple[str, ...]], t.Any]) -> t.Any:  # noqa: ANN401
    """Give what `--config` names: the variables, which the SDK reads, and the files.

    Raises:
        TapError: a file can't be read, or is not a JSON object.
    """
    given = of_sdk(tuple(path for path in paths if path == "ENV"))
    for path in paths:
        if path != "ENV":
            given.config.update(read_settings(path))
    return given


def check_log_level(*variables: str) -> None:
    """Refuse a log level that there is not, while there is no log yet to say it in.

    Args:
        variables: the environment variables that may name one; the first that is set counts.

    Raises:
        SystemExit: there is no such level.
    """
    name = next((name for name in variables if os.environ.get(name)), None)
    if name and not isinstance(logging.getLevelName(os.environ[name].upper()), int):
        level = one_line(Secrets().hide(repr(os.environ[name])), 60)
        sys.exit(f"{name} takes {', '.join(_LEVELS[:-1]).lower()} or {_LEVELS[-1].lower()}, not {level}.")


def require_settings(given: t.Any, logger: logging.Logger) -> None:  # noqa: ANN401 - a private class of the SDK
    """Refuse a run without any settings, and name the variables that are misspelled.

    Args:
        given: what `merged_config` has given.
        logger: gets a line for each such variable.

    Raises:
        TapError: there are none, and the environment is not to be asked for them.
    """
    for line in misspelled(os.environ, OWN_SETTINGS, given.config):
        logger.warning("%s", line)
    if not given.config and not given.parse_env:
        raise TapError(
            "No settings were given: name their file with --config config.json, or set TAP_ENDORLABS_NAMESPACE, "
            "TAP_ENDORLABS_API_KEY and TAP_ENDORLABS_API_SECRET and add --config ENV."
        )


def require_selected(streams: Mapping[str, Stream]) -> None:
    """Refuse a run that would read nothing: its silence would pass for a log without events.

    Raises:
        TapError: no stream is selected.
    """
    if not any(stream.selected for stream in streams.values()):
        raise TapError(
            "No stream is selected: check select in meltano.yml, or the file given with --catalog. "
            f"The streams are {' and '.join(STREAMS)}."
        )


def _share_memory_between_threads() -> None:
    """Let all threads take memory from one place, where the C library lets that be chosen (glibc).

    By default each gets an arena of its own, and what one thread frees is not used for what another needs: with 8
    workers a run takes half as much memory again, and the more the longer it lasts.
    """
    most_arenas = -8  # M_ARENA_MAX of malloc.h
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(most_arenas, 1)


def _collect_garbage_seldom() -> None:
    """Seldom look for objects that only name each other: what has been imported stays, and events are none of them.

    Looking through the events of each page again and again would take a twentieth of the CPU time of a long run.
    """
    gc.freeze()
    gc.set_threshold(20_000)


def _lines(error: Exception, plugin: str) -> list[str]:
    if isinstance(error, ConfigValidationError):
        return error.errors
    if isinstance(error, TapError):
        return [str(error)]
    what = f"{type(error).__name__}: {one_line(str(error))}"
    if isinstance(error, (SingerSDKError, OSError)):
        return [what]
    return [f"Unexpected {what} (a traceback comes with {plugin.upper().replace('-', '_')}_LOGLEVEL=debug)"]
