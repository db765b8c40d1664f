"""Compare two commits in one job: is a training step slower on the head?"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from harness.cli._base import Catalogues, Command, Keyword, PolicyOption, Tags
from harness.errors import ExitCode

BaseArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[BASE]", help="A commit or branch; its merge base with HEAD is measured. Default: the main branch."
    ),
]
HeadArgument = Annotated[str | None, typer.Argument(metavar="[HEAD]", help="A commit or branch. Default: the working tree.")]
SuiteOption = Annotated[
    str, typer.Option("--suite", metavar="SUITE", help="What to run on both: a suite's name or file, the head's.")
]
Against = Annotated[
    str | None,
    typer.Option("--against", metavar="SUITE", help="Compare with this suite's cases of the same names, instead of a commit."),
]
Seconds = Annotated[float, typer.Option("--seconds", metavar="S", min=1.0, help="Time for the restarts of each case.")]
Margin = Annotated[
    float | None, typer.Option("--margin", metavar="PERCENT", min=0.0, help="Margin of CPU time. Default: each case's own.")
]
Install = Annotated[
    str,
    typer.Option("--install", metavar="COMMAND", help="Install each arm into an environment of its own, e.g. 'pip install .'."),
]


def ab(
    base: BaseArgument = None,
    head: HeadArgument = None,
    suite: SuiteOption = "smoke",
    against: Against = None,
    keyword: Keyword = None,
    tag: Tags = None,
    seconds: Seconds = 60.0,
    margin: Margin = None,
    install: Install = "",
    policy: PolicyOption = "pr",
    catalogue: Catalogues = None,
) -> ExitCode:
    """Judge whether a training step does more or takes longer on HEAD than on BASE.

    Both run the head's suite, here and now: exact counters first, then pairs of fresh processes that take turns on one core.

    Examples: harness ab · harness ab origin/main --suite mine -k lenet · harness ab v1.0 v1.1 --install 'pip install .'
    · harness ab --suite bf16 --against fp32
    """
    from harness.cli._trainings import only_trainings
    from harness.cli._verdicts import check_policy, print_judged
    from harness.errors import UsageError
    from harness.paired import arms_of_commits, arms_of_suites, changed_dependencies, compare_arms
    from harness.project import find_project
    from harness.suite import Overrides, load_suite, narrow

    chosen, project = check_policy(policy), find_project(catalogues=catalogue or ())
    overrides = Overrides(keyword, tuple(tag or ()))
    narrowed, _ = narrow(load_suite(project.suite_file(suite), project.catalog()), overrides)
    declared = only_trainings(narrowed, "harness ab")
    with ExitStack() as stack:
        if against is None:
            arms = stack.enter_context(arms_of_commits(project, base, head, declared, install))
        elif base or head:
            raise UsageError("--against compares two suites of one state: name no commit with it")
        else:
            arms = arms_of_suites(project, load_suite(project.suite_file(against), project.catalog()), declared)
        if not install and (changed := changed_dependencies(arms)):
            typer.echo(
                f"note: {', '.join(changed)} differ, and both arms run in this environment (--install gives each its own)",
                err=True,
            )
        margins = {} if margin is None else {"cpu": margin / 100}
        folder, verdicts = compare_arms(arms, project.results, seconds, margins, lambda line: typer.echo(line, err=True))
        titles = f"{arms['head'].title} judged against {arms['base'].title}"
    code = print_judged(verdicts, titles, chosen)
    print(folder)
    return code


COMMAND = Command(run=ab, order=22)
