"""Lays a run set's sections out as one self-contained HTML page and as Markdown for a pull request."""

from harness.render._document import Chapter as Chapter
from harness.render._document import Document as Document
from harness.render._document import compose as compose
from harness.render._html import to_html as to_html
from harness.render._markdown import to_markdown as to_markdown
from harness.render._side_by_side import compose_side_by_side as compose_side_by_side
from harness.render._side_by_side import write_side_by_side as write_side_by_side
from harness.render._write import Written as Written
from harness.render._write import write_report as write_report
