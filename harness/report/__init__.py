"""Report sections, one file each. A file named `x.py` defines `SECTION`; `harness.render` lays the sections out."""

from harness.report._base import Banner as Banner
from harness.report._base import Block as Block
from harness.report._base import Cell as Cell
from harness.report._base import Column as Column
from harness.report._base import Count as Count
from harness.report._base import Details as Details
from harness.report._base import Facts as Facts
from harness.report._base import Figure as Figure
from harness.report._base import Heading as Heading
from harness.report._base import Paragraph as Paragraph
from harness.report._base import Row as Row
from harness.report._base import Section as Section
from harness.report._base import Table as Table
from harness.report._base import Tone as Tone
from harness.report._data import ReportData as ReportData
from harness.report._plot import plot as plot
from harness.report._sample import Sample as Sample
from harness.report._sample import explain as explain
