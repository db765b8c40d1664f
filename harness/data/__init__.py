"""Data sets, one file each. A file named `x.py` defines `DATASET` and a function `load(context, *, options)`."""

from harness.data._base import Dataset as Dataset
from harness.data._base import LoadContext as LoadContext
from harness.data._base import Split as Split
from harness.data._base import Splits as Splits
