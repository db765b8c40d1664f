"""Baselines: one reviewed JSON file a case, in git. Read, propose, promote."""

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
