"""Writes the report's files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from harness.catalog import Catalog
from harness.errors import ResultsError
from harness.render._document import Document, compose
from harness.render._html import to_html
from harness.render._summary import to_summary
from harness.report import ReportData
from harness.results import RunSet, write_atomically


class Written(NamedTuple):
    """Where the report lies."""

    html: Path
    markdown: Path


def write_report(run_set: RunSet, catalog: Catalog, output: Path | None = None) -> Written:
    """Write report.html and report.md to `output`, or beside the run set's tables.

    Raises:
        CatalogError: a section cannot be imported or returns something else than blocks.
        ResultsError: a table cannot be read, or the folder cannot be written.
    """
    document = compose(ReportData.read(run_set, catalog))
    return put(document, run_set.path if output is None else output, "report")


def put(document: Document, folder: Path, stem: str) -> Written:
    """Write a document as `stem`.html and `stem`.md to a folder, which is made if it is not there.

    Raises:
        ResultsError: the folder cannot be written.
    """
    written = Written(folder / f"{stem}.html", folder / f"{stem}.md")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(written.html, to_html(document))
        write_atomically(written.markdown, to_summary(document))
    except OSError as error:
        raise ResultsError(
            f"{folder}: the report cannot be written: {error.strerror or error}; choose another --output"
        ) from error
    return written
