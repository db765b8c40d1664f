"""Audits a suite: trains each case again in several ways, and says which of them give the same bits."""

from harness.audit._run import Options as Options
from harness.audit._run import audit as audit
