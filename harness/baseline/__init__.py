"""Baselines: one reviewed JSON file a case, in git. Read, propose, promote."""

from harness.baseline._commits import Edit as Edit
from harness.baseline._commits import base_commit as base_commit
from harness.baseline._commits import committed_suites as committed_suites
from harness.baseline._commits import edits as edits
from harness.baseline._commits import find_commit as find_commit
from harness.baseline._commits import read_committed as read_committed
from harness.baseline._files import find_proposals as find_proposals
from harness.baseline._files import promote as promote
from harness.baseline._files import read_baselines as read_baselines
from harness.baseline._files import write_proposals as write_proposals
from harness.baseline._model import Baseline as Baseline
from harness.baseline._model import to_text as to_text
from harness.baseline._propose import WANTED_SEEDS as WANTED_SEEDS
from harness.baseline._propose import Proposal as Proposal
from harness.baseline._propose import propose as propose
from harness.baseline._show import changes as changes
from harness.baseline._show import contents as contents
from harness.baseline._standard import Standard as Standard
from harness.baseline._standard import find_standard as find_standard
