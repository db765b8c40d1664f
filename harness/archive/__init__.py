"""One training as one file that others can check: written, read as data, trained again; and what things ran on."""

from harness.archive._environments import HERE as HERE
from harness.archive._environments import described as described
from harness.archive._environments import differences as differences
from harness.archive._environments import here as here
from harness.archive._environments import in_order as in_order
from harness.archive._read import Archive as Archive
from harness.archive._read import read_archive as read_archive
from harness.archive._verify import verify as verify
from harness.archive._write import export as export
