"""Finding parts, loudly."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog import KINDS, WORDS, Catalog
from harness.errors import CatalogError

MODEL = '''"""A line about it.

More."""
from harness.models import Model
from ._shared import WIDTH

def build(spec, *, hidden=WIDTH, bias=True):
    return (spec, hidden, bias)

MODEL = Model(build=build, article="009", input_shape=(1, 8, 8), parameters=3)
'''


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A user's catalogue with one model and a helper beside it."""
    models = tmp_path / "bench" / "models"
    models.mkdir(parents=True)
    (models / "mine.py").write_text(MODEL)
    (models / "_shared.py").write_text("WIDTH = 7\n")
    return tmp_path / "bench"


def test_a_users_part_is_found_beside_the_built_in_ones(bench: Path) -> None:
    """A catalogue adds names; helpers that start with an underscore are no parts."""
    names = Catalog([bench]).parts("models")

    assert "mine" in names
    assert "a000_lenet_gray" in names
    assert "_shared" not in names


def test_a_part_is_described_without_importing_it(bench: Path) -> None:
    """Summary, literal fields and options come from the source alone."""
    part = Catalog([bench]).part("models", "mine")

    assert part.summary == "A line about it."
    assert part.fields == {"article": "009", "input_shape": (1, 8, 8), "parameters": 3}
    assert part.options == {"hidden": None, "bias": True}
    assert not part.built_in


def test_a_users_part_may_import_its_neighbours(bench: Path) -> None:
    """Loading runs the file with relative imports in its own folder."""
    model = Catalog([bench]).load("models", "mine")

    assert model.build("spec") == ("spec", 7, True)


def test_an_unknown_name_offers_the_nearest(bench: Path) -> None:
    """A slip in a part's name is corrected."""
    with pytest.raises(CatalogError, match=r"no model 'mime', did you mean 'mine'\?"):
        Catalog([bench]).part("models", "mime")


def test_every_kind_of_part_has_a_name_in_messages(bench: Path) -> None:
    """No message says 'experiments part'."""
    catalog = Catalog([bench])

    assert WORDS.keys() == KINDS.keys()
    for kind, word in WORDS.items():
        with pytest.raises(CatalogError, match=f"no {word} 'zzz'"):
            catalog.part(kind, "zzz")


def test_a_name_taken_twice_names_both_files(bench: Path) -> None:
    """A user's part never shadows another in silence."""
    (bench / "models" / "a004_cnn.py").write_text(MODEL)

    with pytest.raises(
        CatalogError, match=r"bench/models/a004_cnn.py: the name 'a004_cnn' is taken by .*harness/models/a004_cnn.py"
    ):
        Catalog([bench]).parts("models")


def test_a_file_without_its_object_is_refused_by_name(bench: Path) -> None:
    """A file in models/ must define MODEL."""
    (bench / "models" / "empty.py").write_text("x = 1\n")

    with pytest.raises(CatalogError, match=r"models/empty.py: defines no MODEL"):
        _ = Catalog([bench]).part("models", "empty").fields


def test_a_file_that_fails_to_import_is_named_with_its_error(bench: Path) -> None:
    """An import error names the file and keeps the reason."""
    (bench / "models" / "broken.py").write_text("import no_such_module\nMODEL = None\n")

    with pytest.raises(CatalogError, match=r"models/broken.py: importing failed: ModuleNotFoundError"):
        Catalog([bench]).load("models", "broken")


def test_a_file_that_is_no_python_is_named(bench: Path) -> None:
    """A syntax error names the file and line."""
    (bench / "models" / "bad.py").write_text("def (:\n")

    with pytest.raises(CatalogError, match=r"models/bad.py: cannot be read as Python"):
        _ = Catalog([bench]).part("models", "bad").summary


def test_dot_files_are_no_parts(bench: Path) -> None:
    """What editors and file systems leave beside a part is not taken for one."""
    before = list(Catalog([bench]).parts("models"))
    for name in ("._mine.py", ".#mine.py"):
        (bench / "models" / name).write_bytes(b"\x00\x05\x16")

    assert list(Catalog([bench]).parts("models")) == before


def test_a_file_whose_stem_is_no_name_is_refused(bench: Path) -> None:
    """A dot in a stem would read as a package when importing."""
    (bench / "models" / "resnet.v2.py").write_text(MODEL)

    with pytest.raises(CatalogError, match=r"models/resnet\.v2\.py: 'resnet\.v2' names no part; allowed: letters"):
        Catalog([bench]).parts("models")


def test_a_folder_that_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    """A wrong path is an error, not an empty catalogue."""
    with pytest.raises(CatalogError, match="no such folder"):
        Catalog([tmp_path / "absent"])
    with pytest.raises(CatalogError, match="holds none of the folders models, data"):
        Catalog([tmp_path])


@pytest.mark.parametrize("kind", KINDS)
def test_every_built_in_part_loads_and_says_what_it_is(kind: str) -> None:
    """Each shipped file defines its object and begins with a line about it."""
    for name, part in Catalog().parts(kind).items():
        assert part.load() is not None, name
        assert part.summary, name


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("exporters", '"""Lines."""\nfrom harness.exporters import Exporter\nEXPORTER = Exporter(reads="people", text=str)\n'),
        (
            "experiments",
            '"""Tosses."""\nfrom harness.experiments import Experiment\n'
            'EXPERIMENT = Experiment(run=dict, title="Toss", outcomes={"heads": "1"})\n',
        ),
    ],
)
def test_a_catalogue_may_hold_one_kind_alone(tmp_path: Path, kind: str, text: str) -> None:
    """Whoever brings but a format or an experiment has no need of models."""
    (tmp_path / "bench" / kind).mkdir(parents=True)
    (tmp_path / "bench" / kind / "mine.py").write_text(text)
    part = Catalog([tmp_path / "bench"]).part(kind, "mine")

    assert not part.built_in
    assert part.load() is not None
