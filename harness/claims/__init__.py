"""Claims: what suites say of their measurements, put to the test; supported, refuted, inconclusive, not run or untestable."""

from harness.claims._decide import ALPHA as ALPHA
from harness.claims._decide import Finding as Finding
from harness.claims._decide import Outcome as Outcome
from harness.claims._decide import decide as decide
from harness.claims._judge import judge_claims as judge_claims
from harness.claims._ledger import DECIDED as DECIDED
from harness.claims._ledger import FOLDER as FOLDER
from harness.claims._ledger import JUDGEMENTS as JUDGEMENTS
from harness.claims._ledger import JudgedClaim as JudgedClaim
from harness.claims._ledger import JudgedTest as JudgedTest
from harness.claims._ledger import Judgement as Judgement
from harness.claims._ledger import Ledger as Ledger
from harness.claims._ledger import Source as Source
from harness.claims._ledger import by_block as by_block
from harness.claims._ledger import count_judgements as count_judgements
from harness.claims._ledger import ledger_file as ledger_file
from harness.claims._ledger import read_ledger as read_ledger
from harness.claims._ledger import to_text as to_text
from harness.claims._ledger import write_ledger as write_ledger
from harness.claims._markdown import to_markdown as to_markdown
from harness.claims._rows import from_rows as from_rows
from harness.claims._rows import to_rows as to_rows
from harness.claims._samples import Measured as Measured
from harness.claims._samples import Samples as Samples
from harness.claims._words import p_words as p_words
