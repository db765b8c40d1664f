"""What a command is, and the options that several share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import ExitCode


@dataclass(frozen=True)
class Command:
    """One command, or a group of them: a typed function that returns an exit code.

    The file's stem names the command; the function's docstring is its help.
    """

    run: Callable[..., ExitCode] | None = None
    group: dict[str, Callable[..., ExitCode]] | None = None
    """Subcommand name -> function, for a group such as `baseline`."""
    default: str = ""
    """Of a group: the subcommand that is meant where the first word is none of them; '' for none."""
    order: int = 100
    """Place in `harness --help`."""


SuiteArgument = Annotated[str, typer.Argument(metavar="SUITE", help="Suite name, or path of a .toml file.")]
Catalogues = Annotated[
    list[Path] | None,
    typer.Option("--catalogue", metavar="DIR", help="Add a folder of your own parts (repeatable). It executes their code."),
]
Keyword = Annotated[str | None, typer.Option("-k", metavar="TEXT", help="Only cases whose name contains TEXT.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Only cases with TAG (repeatable).")]
Seeds = Annotated[
    str | None,
    typer.Option("--seeds", metavar="N|A,B|A-B", help="N takes seeds 1 to N; A,B and A-B name them."),
]
Device = Annotated[str | None, typer.Option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1 or auto.")]
Threads = Annotated[int | None, typer.Option("--threads", metavar="N", min=1, help="Threads of each run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print it as Markdown, for a pull request.")]
PolicyOption = Annotated[
    str,
    typer.Option("--policy", metavar="pr|strict", help="pr lets inconclusive and better pass; strict does not."),
]
