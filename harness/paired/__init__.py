"""Paired comparison of two states of a project in one job: what a step takes, on the same core, a moment apart."""

from harness.paired._ab import Question as Question
from harness.paired._ab import clocks_of as clocks_of
from harness.paired._ab import measured as measured
from harness.paired._ab import verdict_of as verdict_of
from harness.paired._arm import Arm as Arm
from harness.paired._arms import arms_of_commits as arms_of_commits
from harness.paired._arms import arms_of_suites as arms_of_suites
from harness.paired._arms import changed_dependencies as changed_dependencies
from harness.paired._blocks import Restart as Restart
from harness.paired._compare import compare_arms as compare_arms
from harness.paired._compare import margins_of as margins_of
from harness.paired._decide import decide as decide
from harness.paired._decide import detectable_change as detectable_change
from harness.paired._decide import needed as needed
from harness.paired._decide import word_of as word_of
