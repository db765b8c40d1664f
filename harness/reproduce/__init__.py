"""Training a recorded run again: what it left, what it leaves now, and where and why the two part."""

from harness.reproduce._again import Reproduction as Reproduction
from harness.reproduce._again import check_repeatable as check_repeatable
from harness.reproduce._again import reproduce as reproduce
from harness.reproduce._compare import Comparison as Comparison
from harness.reproduce._compare import Difference as Difference
from harness.reproduce._compare import compare as compare
from harness.reproduce._compare import environment_changes as environment_changes
from harness.reproduce._evidence import Evidence as Evidence
from harness.reproduce._evidence import evidence_of as evidence_of
from harness.reproduce._extent import MACHINE as MACHINE
from harness.reproduce._extent import Extent as Extent
from harness.reproduce._extent import extent as extent
from harness.reproduce._localise import Localised as Localised
from harness.reproduce._rerun import Rerunner as Rerunner
from harness.reproduce._rerun import Variation as Variation
