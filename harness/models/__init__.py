"""Models, one file each. A file named `x.py` defines `MODEL` and a function `build(spec, *, options)`."""

from harness.models._base import DataSpec as DataSpec
from harness.models._base import Model as Model
