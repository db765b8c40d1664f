"""Two tables and the gates between them: verdicts, and the exit code that they mean."""

from harness.verdicts._exact import LOSS_RTOL as LOSS_RTOL
from harness.verdicts._judge import judge as judge
from harness.verdicts._policy import deciding as deciding
from harness.verdicts._policy import exit_code as exit_code
from harness.verdicts._policy import warnings as warnings
from harness.verdicts._sampled import ALPHA as ALPHA
from harness.verdicts._sampled import more_seeds_may_tell as more_seeds_may_tell
from harness.verdicts._verdict import RUNS as RUNS
from harness.verdicts._verdict import Verdict as Verdict
from harness.verdicts._verdict import VerdictName as VerdictName
from harness.verdicts._verdict import compare_frame as compare_frame
from harness.verdicts._words import COLUMNS as COLUMNS
from harness.verdicts._words import Cells as Cells
from harness.verdicts._words import cells as cells
from harness.verdicts._words import count_verdicts as count_verdicts
from harness.verdicts._words import fold as fold
from harness.verdicts._words import passes as passes
