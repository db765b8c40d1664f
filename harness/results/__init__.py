"""The tidy tables: what is stored, and reading and writing it safely."""

from harness.results._fields import MIXED as MIXED
from harness.results._fields import agree as agree
from harness.results._fields import differing as differing
from harness.results._keep import Entry as Entry
from harness.results._keep import check_removable as check_removable
from harness.results._keep import leftovers as leftovers
from harness.results._keep import list_entries as list_entries
from harness.results._keep import remove as remove
from harness.results._keep import superfluous as superfluous
from harness.results._schema import RUN_TABLES as RUN_TABLES
from harness.results._schema import SCHEMA_VERSION as SCHEMA_VERSION
from harness.results._schema import SHARED as SHARED
from harness.results._schema import TABLES as TABLES
from harness.results._sides import RunState as RunState
from harness.results._sides import Sample as Sample
from harness.results._sides import Series as Series
from harness.results._sides import Side as Side
from harness.results._sides import absent_runs as absent_runs
from harness.results._sides import sides as sides
from harness.results._store import Manifest as Manifest
from harness.results._store import RunSet as RunSet
from harness.results._store import find_run_set as find_run_set
from harness.results._store import run_sets as run_sets
from harness.results._store import to_table as to_table
from harness.results._store import write_atomically as write_atomically
from harness.results._store import write_table as write_table
