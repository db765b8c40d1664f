"""What a claim is and by which tests it is judged: frozen pydantic models, names and numbers only.

A test holds one or more series, each a metric of a case with one value a seed; the seeds pair them. What each kind of test
asks is said here; how it is decided stands in `harness.claims`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Field, PositiveFloat, create_model
from pydantic.fields import FieldInfo

from harness.suite._schema import NAME_PATTERN, Strict

BLOCKS = ("numeric", "scale", "data", "convolution", "recurrence", "attention", "training", "cost", "other")
"""Blocks in the order shown; those that a suite names itself come after them."""
Kind = Literal["difference", "above", "below", "equivalent", "trend", "slope", "published", "fact"]
Better = Literal["higher", "lower"]
Relation = Literal["==", "!=", "<", "<=", ">", ">="]
Margin = Annotated[float, Field(ge=0.0)]
Words = Annotated[str, Field(min_length=1)]

PAIRED_SEEDS = 6
"""Seeds that a comparison needs: with five, the smallest p of an exact sign-flip test is 2/2⁵, above .05."""
SINGLE_SEEDS = 3
"""Seeds that a statement about one mean needs."""


class SeriesRef(Strict):
    """A metric of a case: one value a seed."""

    case: Words
    metric: Words
    """A metric of the catalogue, or an outcome of the case's experiment."""

    def __str__(self) -> str:
        return f"{self.metric} of {self.case}"


Levels = Annotated[tuple[SeriesRef, ...], Field(min_length=3)]


class _Question(Strict):
    """What all kinds of tests have."""

    least_seeds: ClassVar[int] = PAIRED_SEEDS

    why: str = ""
    """A few words that are shown with the test."""

    @property
    def series(self) -> tuple[SeriesRef, ...]:
        """Every series that the test needs."""
        found: list[SeriesRef] = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            found += [entry for entry in (value if isinstance(value, tuple) else (value,)) if isinstance(entry, SeriesRef)]
        return tuple(found)


class Difference(_Question):
    """`value` is better than `against`, by `margin` or more."""

    kind: Literal["difference"]
    value: SeriesRef
    against: SeriesRef
    margin: Margin
    """Least difference that counts; with `relative` a share: 0.1 asks for a ratio of 1.1."""
    better: Better
    """Which way; a suite says so where it is not as the metric declares, or that declares nothing."""
    relative: bool = False
    """Whether the ratio of the two is judged: value ÷ against, or where less is better against ÷ value."""


class Threshold(_Question):
    """The mean of `value` lies above, or below, `bound`."""

    least_seeds: ClassVar[int] = SINGLE_SEEDS

    kind: Literal["above", "below"]
    value: SeriesRef
    bound: float


class Equivalent(_Question):
    """`value` and `against` differ by less than `margin`."""

    kind: Literal["equivalent"]
    value: SeriesRef
    against: SeriesRef
    margin: PositiveFloat


class Trend(_Question):
    """The metric gets better from level to level, and from the first to the last by `margin` or more."""

    kind: Literal["trend"]
    levels: Levels
    margin: Margin
    better: Better
    """As of a difference."""


class Slope(_Question):
    """How steeply the metric moves over the levels: the slope of a least-squares line for each seed."""

    least_seeds: ClassVar[int] = SINGLE_SEEDS

    kind: Literal["slope"]
    levels: Levels
    x: tuple[float, ...] | None = None
    """Where the levels stand, one number a level."""
    x_metric: Words | None = None
    """Or a metric of the same cases that says where."""
    log: bool = True
    """Whether the line is one of logarithms over logarithms: its slope is the power of x."""
    above: float | None = None
    below: float | None = None
    between: tuple[float, float] | None = None

    @property
    def series(self) -> tuple[SeriesRef, ...]:
        """The levels, and then what says where they stand."""
        places = (SeriesRef(case=level.case, metric=self.x_metric) for level in self.levels) if self.x_metric else ()
        return (*self.levels, *places)

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """Between what the slope is said to lie; None on a side where it may lie anywhere."""
        return self.between or (self.above, self.below)


class Published(_Question):
    """One further run might well give the published value.

    Few seeds make its range wide, so that any value is in it: as many are needed as for a comparison.
    """

    kind: Literal["published"]
    value: SeriesRef
    published: float


class Fact(_Question):
    """A relation that holds at every seed; one counter-example refutes it."""

    model_config = ConfigDict(populate_by_name=True)
    least_seeds: ClassVar[int] = 1

    kind: Literal["fact"]
    value: SeriesRef
    relation: Annotated[Relation, Field(alias="is")]
    bound: float | None = None
    against: SeriesRef | None = None


Question: TypeAlias = Difference | Threshold | Equivalent | Trend | Slope | Published | Fact
QUESTIONS: dict[Kind, type[Question]] = {
    "difference": Difference,
    "above": Threshold,
    "below": Threshold,
    "equivalent": Equivalent,
    "trend": Trend,
    "slope": Slope,
    "published": Published,
    "fact": Fact,
}
"""Kind of test -> its form."""


class Claim(Strict):
    """A statement that measurements support or refute."""

    id: Annotated[str, Field(pattern=NAME_PATTERN)]
    block: Annotated[str, Field(pattern=NAME_PATTERN)] = "other"
    """What the claim is grouped by, of `BLOCKS` or a name of one's own; its tests share one rate of false discoveries."""
    statement: Words
    """What is claimed, in one's own words."""
    source: tuple[str, ...] = ()
    """Who claims it: article and section."""
    refuted_by: str = ""
    """What would refute it, in words."""
    need: Literal["all", "any"] = "all"
    """Whether all tests, or any one of them, must be supported."""
    note: str = ""
    """Shown beside the verdict: departures, contradictions, what was left out."""
    untestable: str = ""
    """Why there is no test."""
    tests: tuple[Annotated[Question, Field(discriminator="kind")], ...] = ()


def _entry(info: FieldInfo, default: Any = None) -> tuple[Any, Any]:
    """Return a field in the form of create_model; that a file gives it is not required yet, but by a rule."""
    return Annotated[(info.annotation, *info.metadata, Field(description=info.description, alias=info.alias))], default


def _of_any_kind() -> dict[str, Any]:
    """Return the fields of all kinds of tests: which of them a kind takes is a rule."""
    fields: dict[str, Any] = {"kind": (Kind, Field(default=None, description="What the test asks."))}
    for model in QUESTIONS.values():
        for name, info in model.model_fields.items():
            fields.setdefault(name, _entry(info))
    return fields


if TYPE_CHECKING:

    class ClaimEntry(Strict):
        """One claim, with the tests that decide it or the reason why none can."""

else:
    _TestEntry = create_model("ClaimTestEntry", __base__=Strict, __doc__="One test of a claim.", **_of_any_kind())
    ClaimEntry = create_model(
        "ClaimEntry",
        __base__=Strict,
        __doc__="One claim, with the tests that decide it or the reason why none can.",
        **{
            name: _entry(info, None if info.is_required() else info.default)
            for name, info in Claim.model_fields.items()
            if name != "tests"
        },
        test=(tuple[_TestEntry, ...], ()),
    )
