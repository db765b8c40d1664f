"""Paired comparison of two states of a project in one job: what a step takes, on the same core, a moment apart."""

from harness.paired._arm import Arm as Arm
from harness.paired._arms import arms_of_commits as arms_of_commits
from harness.paired._arms import arms_of_suites as arms_of_suites
from harness.paired._arms import changed_dependencies as changed_dependencies
from harness.paired._compare import compare_arms as compare_arms
