"""Data sets, one file each. A file named `x.py` defines `DATASET` and a function `load(context, *, options)`."""

from harness.data._base import Dataset as Dataset
from harness.data._base import LoadContext as LoadContext
from harness.data._base import Split as Split
from harness.data._base import Splits as Splits
from harness.vocabulary import END as END
from harness.vocabulary import PAD as PAD
from harness.vocabulary import SPECIAL as SPECIAL
from harness.vocabulary import START as START
from harness.vocabulary import UNKNOWN as UNKNOWN
from harness.vocabulary import Vocabulary as Vocabulary
