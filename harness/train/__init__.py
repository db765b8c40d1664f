"""Training one model: the loop, readable from top to bottom in `_loop.py`, and what it is made of."""

from harness.train._evaluate import autocast as autocast
from harness.train._evaluate import evaluate as evaluate
from harness.train._evaluate import evaluation_batch as evaluation_batch
from harness.train._job import Job as Job
from harness.train._job import Progress as Progress
from harness.train._loop import WARMUP_SECONDS as WARMUP_SECONDS
from harness.train._loop import WARMUP_STEPS as WARMUP_STEPS
from harness.train._loop import Loop as Loop
from harness.train._loop import train as train
from harness.train._losses import DivergedError as DivergedError
from harness.train._plan import Reach as Reach
from harness.train._plan import StepPlan as StepPlan
from harness.train._plan import draw_order as draw_order
from harness.train._plan import first_batch as first_batch
from harness.train._plan import hold_out as hold_out
from harness.train._ready import context_of as context_of
from harness.train._ready import describe_data as describe_data
from harness.train._ready import start_learning as start_learning
from harness.train._steady import find_steady as find_steady
from harness.train._updates import make_schedule as make_schedule
