"""Commands, one file each. A file named `x.py` defines `COMMAND`; its function returns an exit code."""

from harness.cli._base import Command as Command
from harness.cli._main import main as main
