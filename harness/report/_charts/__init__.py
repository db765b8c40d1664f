"""Drawings of the report's own sections: plain SVG, small, quick to make, the same bytes every time.

A drawing holds numbers and class names; colours, widths and type are the page's (`harness/render/report.css`), so that one
drawing suits light, dark and paper. All coordinates are whole tenths of a pixel. A section of a user's own may draw with
matplotlib through `harness.report.plot` instead.
"""

from harness.report._charts._chart import Chart as Chart
from harness.report._charts._chart import Mark as Mark
from harness.report._charts._heat import heat as heat
from harness.report._charts._scale import Scale as Scale
from harness.report._charts._scale import linear as linear
from harness.report._charts._scale import logarithmic as logarithmic
from harness.report._charts._scale import named as named
from harness.report._charts._scale import spanning as spanning
from harness.report._charts._spark import spark as spark
from harness.report._charts._strip import Strip as Strip
from harness.report._charts._svg import image as image
