"""Pictures that models made: whole, described in words, within the page, and only where there are any."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from harness.render import compose, to_html, to_markdown
from harness.report import Block, Figure, Paragraph
from harness.results import RunSet
from tests.report.support import Trained, add, figures, make_case, make_suite, read, section, texts, usual, values

KERAS, DIGITS = make_case("keras", seeds=[1, 2]), make_case("digits", seeds=[1])
TITLE = "samples, seed-fixed latent"


def picture(grey: int, width: int = 12, height: int = 8) -> bytes:
    """Return a PNG of one grey."""
    file = io.BytesIO()
    Image.fromarray(np.full((height, width), grey, dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def stored(results: Path, *runs: tuple[Trained, Mapping[str, bytes]]) -> RunSet:
    """Store a run set of runs with their pictures by title."""
    run_set = RunSet.create(results, make_suite(KERAS, DIGITS))
    for run, _ in runs:
        add(run_set, run)
    run_set.fold()
    rows = [{"run_id": run.run_id, "title": title, "png": png} for run, images in runs for title, png in images.items()]
    run_set.put("images", rows)
    run_set.update(complete=True)
    return run_set


def trained(case: Any = KERAS, seed: int = 1, **given: Any) -> Trained:
    """Return a run that succeeded."""
    return Trained(case, seed, values(0.99), **given)


def blocks_of(run_set: RunSet) -> list[Block]:
    """Return the section's blocks."""
    return list(section("samples").build(read(run_set)))


def file_of(figure: Figure) -> bytes:
    """Return the file within a figure."""
    (image,) = ElementTree.fromstring(figure.svg).iter("{http://www.w3.org/2000/svg}image")
    kind, _, content = image.attrib["href"].partition(",")
    assert kind == "data:image/png;base64"
    return base64.b64decode(content, validate=True)


def test_nothing_is_shown_where_no_run_has_a_picture(tmp_path: Path) -> None:
    """The section, its link included, is left out of a report without pictures."""
    run_set = usual(tmp_path)

    assert blocks_of(run_set) == []
    assert 'id="samples"' not in to_html(compose(read(run_set)))
    assert "Samples" not in to_markdown(compose(read(run_set)))


def test_the_file_is_shown_whole(tmp_path: Path) -> None:
    """The figure holds the stored bytes, at their size in pixels, not smoothed."""
    (figure,) = figures(blocks_of(stored(tmp_path, (trained(), {TITLE: picture(77)}))))
    root = ElementTree.fromstring(figure.svg)

    assert picture(77) == file_of(figure)
    assert root.attrib["viewBox"] == "0 0 12 8"
    assert root[1].attrib["image-rendering"] == "pixelated"


def test_the_first_seed_of_each_case_is_enough(tmp_path: Path) -> None:
    """Each case's first run with a picture is shown, in the suite's order; other seeds are not."""
    run_set = stored(
        tmp_path,
        (trained(DIGITS), {TITLE: picture(3)}),
        (trained(KERAS, 2), {TITLE: picture(2)}),
        (trained(KERAS, 1), {TITLE: picture(1)}),
    )

    found = figures(blocks_of(run_set))

    assert [figure.title for figure in found] == [figure.case for figure in found] == ["keras", "digits"]
    assert [picture(1), picture(3)] == [file_of(figure) for figure in found]


def test_a_seed_without_pictures_gives_way_to_the_next(tmp_path: Path) -> None:
    """Where the first run failed, the second seed's picture is shown, and named as such."""
    failed = Trained(KERAS, 1, status="failed", reason="boom", losses=(), seconds=())

    (figure,) = figures(blocks_of(stored(tmp_path, (failed, {}), (trained(KERAS, 2), {TITLE: picture(2)}))))

    assert figure.caption == f"Seed 2: {TITLE}."


def test_pictures_of_one_run_stand_by_title(tmp_path: Path) -> None:
    """Several pictures of a run are several figures, in a fixed order."""
    run_set = stored(tmp_path, (trained(), {"b": picture(2), "a": picture(1)}))

    assert ["Seed 1: a.", "Seed 1: b."] == [figure.caption for figure in figures(blocks_of(run_set))]


def test_words_and_numbers_stand_beside_the_picture(tmp_path: Path) -> None:
    """A reader who sees no picture is told what it is and how the run scored."""
    (figure,) = figures(blocks_of(stored(tmp_path, (trained(), {TITLE: picture(1)}))))
    alt = f"Picture made by the trained model of keras, seed 1: {TITLE}. Accuracy: 0.9900."

    assert alt == figure.alt
    assert alt == ElementTree.fromstring(figure.svg).attrib["aria-label"]
    assert [["Accuracy", "0.9900"], ["Macro F1", "0.9890"], ["Test loss", "0.0500"]] == texts(figure.table)


def test_a_run_without_scores_has_its_picture(tmp_path: Path) -> None:
    """No number is made up."""
    run_set = stored(tmp_path, (Trained(KERAS, 1), {TITLE: picture(1)}))

    (figure,) = figures(blocks_of(run_set))

    assert figure.alt == f"Picture made by the trained model of keras, seed 1: {TITLE}."
    assert figure.table.rows == ()
    assert figure.table.empty == "No quality metric of this run has a value."


def test_titles_are_no_markup(tmp_path: Path) -> None:
    """A title from a user's task is shown as it is."""
    title = "\"><script>alert('x')</script> & more"
    run_set = stored(tmp_path, (trained(), {title: picture(1)}))

    (figure,) = figures(blocks_of(run_set))

    assert title in ElementTree.fromstring(figure.svg).attrib["aria-label"]
    assert "<script>alert" not in to_html(compose(read(run_set)))


@pytest.mark.parametrize("content", [b"", b"GIF89a" + bytes(40), picture(1)[:20], picture(1)[:16] + bytes(40)])
def test_what_is_no_png_is_said(content: bytes, tmp_path: Path) -> None:
    """A file of another format, a cut one or one without a size is named instead of shown."""
    found = blocks_of(stored(tmp_path, (trained(), {TITLE: content})))

    assert figures(found) == []
    assert found[-1] == Paragraph(f"Stored, but no PNG file: keras: {TITLE}.", "warn")


def test_the_page_holds_the_pictures_and_fetches_nothing(tmp_path: Path) -> None:
    """Pictures are data within the page, which its policy allows; nothing else is."""
    page = to_html(compose(read(stored(tmp_path, (trained(), {TITLE: picture(9)})))))

    assert base64.b64encode(picture(9)).decode() in page
    assert "default-src 'none'; img-src data:;" in page
    assert 'href="data:image/png;base64,' in page
    assert page.count("http://") == page.count('="http://www.w3.org/')


def test_markdown_has_a_line(tmp_path: Path) -> None:
    """A pull request's report says that there are pictures, and where, without them."""
    text = to_markdown(compose(read(stored(tmp_path, (trained(), {TITLE: picture(9)})))))

    words = "1 picture in report.html, made by the trained models; of each case the first seed's."
    assert f"<details><summary>Samples</summary>\n\n{words}\n\n</details>" in text
    assert "base64" not in text
