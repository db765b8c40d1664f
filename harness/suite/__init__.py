"""Suites: TOML in, a Suite out, or every problem at once."""

from harness.suite._file import SuiteFile as SuiteFile
from harness.suite._load import RESERVED as RESERVED
from harness.suite._load import load_suite as load_suite
from harness.suite._rules import gate_values as gate_values
from harness.suite._schema import NAME_PATTERN as NAME_PATTERN
from harness.suite._schema import PASSES as PASSES
from harness.suite._schema import Case as Case
from harness.suite._schema import Execution as Execution
from harness.suite._schema import Gate as Gate
from harness.suite._schema import Level as Level
from harness.suite._schema import Optimizer as Optimizer
from harness.suite._schema import Paired as Paired
from harness.suite._schema import PartRef as PartRef
from harness.suite._schema import Recipe as Recipe
from harness.suite._schema import Schedule as Schedule
from harness.suite._schema import Suite as Suite
from harness.suite._select import Overrides as Overrides
from harness.suite._select import narrow as narrow
from harness.suite._select import parse_seeds as parse_seeds
