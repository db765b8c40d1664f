"""Builds the command line from the catalogue's commands, and turns errors into exit codes."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.metadata import version
from typing import Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup

from harness.cli._base import Command
from harness.errors import EXIT_CODES, ExitCode, HarnessError
from harness.project import find_project

HELP = "Train, measure, judge and report PyTorch models from one declared suite."
EPILOG = (
    "Examples:\n\n"
    "  harness run smoke && harness gate smoke      measure and judge\n\n"
    "  harness bench articles                       run, gate and report in one go\n\n"
    "  harness check suites/mine.toml               every problem of a suite file at once\n\n"
    "Exit codes: " + "; ".join(f"{code.value} {meaning}" for code, meaning in EXIT_CODES.items())
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected errors become one message on stderr."""
    try:
        build_app()(args=list(sys.argv[1:] if arguments is None else arguments), prog_name="harness")
    except HarnessError as error:  # of the catalogue, before any command runs
        return _tell(error)
    except _Done as done:
        return done.exit_code
    except SystemExit as leaving:  # of typer itself, which ends with 2 for usage and with 1 where no one reads its help
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        return int(ExitCode.READER_LEFT) if code == 1 else code
    return 0


def build_app() -> typer.Typer:
    """Return the command line with every command of the catalogue."""
    app = typer.Typer(help=HELP, epilog=EPILOG, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(_root)
    parts = find_project().catalog().parts("cli")
    commands: dict[str, Command] = {name: part.load() for name, part in parts.items()}
    for name, command in sorted(commands.items(), key=lambda item: (item[1].order, item[0])):
        if command.run:
            app.command(name)(_leaving(command.run))
        if command.group:
            group = typer.Typer(help=parts[name].summary, no_args_is_help=True, cls=_group_class(command.default))
            for sub, function in command.group.items():
                group.command(sub)(_leaving(function))
            app.add_typer(group, name=name)
    return app


def _group_class(default: str) -> type[TyperGroup]:
    """Return the class of a group whose subcommand `default` is meant where the first word is none of its subcommands."""

    class Group(TyperGroup):
        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            named = args[0] in self.commands or args[0].startswith("-")
            return super().resolve_command(ctx, args if named or not default else [default, *args])

    return Group


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"harness {version('benchmark-harness')}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    pass


class _Done(SystemExit):
    """A command has ended with a code of its own."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def _leaving(function: Callable[..., ExitCode]) -> Callable[..., NoReturn]:
    """Return `function` as typer wants it: leaving with its exit code, or with that of an expected error."""

    @wraps(function)
    def leave(*arguments: Any, **options: Any) -> NoReturn:
        try:
            code = _code(function, arguments, options)
            sys.stdout.flush()  # what no one reads is found out now; at the interpreter's end the code would be 120
        except BrokenPipeError:
            if not _silence():
                raise  # another pipe's: a bug
            code = int(ExitCode.READER_LEFT)
        raise _Done(code)

    return leave


def _code(function: Callable[..., ExitCode], arguments: Sequence[Any], options: dict[str, Any]) -> int:
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):  # a cancelled job or a closed terminal is like Ctrl-C
            signal.signal(number, _interrupt)
        return int(function(*arguments, **options))
    except HarnessError as error:
        return _tell(error)
    except KeyboardInterrupt:
        print("\ninterrupted: finished runs are kept, and `harness run` goes on with them", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)


def _silence() -> bool:
    """Let go of the outputs whose reader has left, so that nothing more is written there; return whether there is one."""
    left = [stream for stream in (sys.stdout, sys.stderr) if _reader_left(stream)]
    for stream in left:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    return bool(left)


def _reader_left(stream: TextIO) -> bool:
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # of no file, as under pytest
        return False
    poll = select.poll()
    poll.register(descriptor, 0)  # an error is told unasked
    return bool(poll.poll(0))


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _tell(error: HarnessError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return int(error.exit_code)
