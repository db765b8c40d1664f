"""Image folder: both layouts, every size rule, every problem by name, an identity of the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from harness.data import LoadContext
from harness.data._images import prepare, resize
from harness.data.image_folder import MEAN, STD, identity, load
from harness.errors import DataError, UsageError


def save(path: Path, value: int, size: tuple[int, int] = (12, 10)) -> npt.NDArray[np.uint8]:
    """Write a colour image of (height, width) `size` whose pixels depend on `value`; return them."""
    pixels: npt.NDArray[np.uint8] = (np.indices((*size, 3)).sum(axis=0) * 5 + value).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with `pictures/train` and `pictures/test`, two classes of one size."""
    for index, name in enumerate(("train/cat/b", "train/cat/a", "train/dog/a", "test/dog/z", "test/cat/y")):
        save(tmp_path / "pictures" / f"{name}.png", 20 * index)
    return tmp_path


def context(project: Path, shape: tuple[int, ...] | None = None) -> LoadContext:
    """Return the context of a project; the cache is not used."""
    return LoadContext(project / "unused", shape, project)


def test_two_folders_are_the_two_splits(project: Path) -> None:
    """Classes and files come sorted; labels index the classes; pixels are those of the files."""
    splits = load(context(project), path="pictures", scale="raw")

    order = [project / "pictures" / "train" / name for name in ("cat/a.png", "cat/b.png", "dog/a.png")]
    expected = np.stack([np.asarray(Image.open(file)).transpose(2, 0, 1) for file in order])
    assert splits.classes == ("cat", "dog")
    assert splits.train.labels.tolist() == [0, 0, 1]
    assert splits.test.labels.tolist() == [0, 1]
    assert np.array_equal(expected, splits.train.inputs.numpy())
    assert torch.float32 == splits.train.inputs.dtype
    assert torch.int64 == splits.train.labels.dtype


def test_one_folder_holds_out_every_fifth_image_of_a_class(tmp_path: Path) -> None:
    """Without train/ and test/ the fifth, tenth, … image of each class by name is for testing."""
    for name, count in (("ant", 11), ("bee", 5)):
        for index in range(count):
            save(tmp_path / "insects" / name / f"{index:02}.png", 10 * index)

    splits = load(context(tmp_path), path="insects", scale="raw")

    assert splits.classes == ("ant", "bee")
    assert splits.train.labels.tolist() == [0] * 9 + [1] * 4
    assert splits.test.inputs[:, 0, 0, 0].tolist() == [40, 90, 40]
    assert splits.test.labels.tolist() == [0, 0, 1]


def test_folders_may_have_other_names(project: Path) -> None:
    """The options train and test name the two folders."""
    pictures = project / "pictures"
    (pictures / "train").rename(pictures / "learn")
    (pictures / "test").rename(pictures / "val")

    splits = load(context(project), path="pictures", train="learn", test="val")

    assert (3, 2) == (len(splits.train), len(splits.test))


def test_kinds_of_image(tmp_path: Path) -> None:
    """Any of the four suffixes, in any case, and grey, palette and transparent images are read as colour."""
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    folder = tmp_path / "set" / "only"
    folder.mkdir(parents=True)
    red.save(folder / "a.PNG")
    red.save(folder / "b.bmp")
    red.convert("P").save(folder / "c.png", transparency=b"\x00\x80")
    red.convert("RGBA").save(folder / "d.png")
    Image.new("L", (4, 4), 255).save(folder / "e.jpeg")
    red.save(folder / ".hidden.png")
    (folder / "notes.txt").write_text("no image")

    splits = load(context(tmp_path), path="set", scale="raw")

    assert splits.train.inputs[:, :, 0, 0].tolist() == [[255, 0, 0]] * 4
    assert splits.test.inputs[:, :, 0, 0].tolist() == [[255, 255, 255]]


def test_standard_scale_goes_from_minus_one_to_one(project: Path) -> None:
    """Mean and deviation are 0.5 for every channel."""
    unit, standard = (load(context(project), path="pictures", scale=scale).train.inputs for scale in ("unit", "standard"))

    assert MEAN == STD == (0.5, 0.5, 0.5)
    assert torch.equal((unit - 0.5) / 0.5, standard)


def test_size_resizes_to_a_square(project: Path) -> None:
    """The option size gives every image that height and width, whatever its own."""
    pixels = save(project / "pictures" / "train" / "cat" / "a.png", 3, (30, 7))

    splits = load(context(project), path="pictures", size=8, scale="raw")

    assert (3, 3, 8, 8) == tuple(splits.train.inputs.shape)
    assert np.array_equal(resize(pixels.transpose(2, 0, 1)[None], (8, 8))[0], splits.train.inputs[0].numpy())


def test_images_of_several_sizes_are_resized_to_the_models(project: Path) -> None:
    """Without the option size, the model's own shape is the size."""
    pixels = save(project / "pictures" / "train" / "cat" / "a.png", 3, (30, 7))

    splits = load(context(project, (3, 14, 14)), path="pictures", scale="raw")

    assert np.array_equal(resize(pixels.transpose(2, 0, 1)[None], (14, 14))[0], splits.train.inputs[0].numpy())


def test_images_of_one_size_are_fitted_like_any_data_set(project: Path) -> None:
    """Images that all have one size meet the model's shape by the option fit, here a crop to 8x8 in grey."""
    native = load(context(project), path="pictures", scale="raw").train.inputs.numpy().astype(np.uint8)

    splits = load(context(project, (1, 8, 8)), path="pictures")

    expected = prepare(native, shape=(1, 8, 8), fit="crop", scale="standard", mean=MEAN, std=STD)
    assert torch.equal(expected, splits.train.inputs)


def test_size_comes_before_fit(project: Path) -> None:
    """With size and a model's shape, images are resized to the size and then cropped."""
    resized = load(context(project), path="pictures", size=12, scale="raw").train.inputs

    splits = load(context(project, (3, 8, 8)), path="pictures", size=12, fit="crop", scale="raw")

    assert torch.equal(resized[:, :, 2:10, 2:10], splits.train.inputs)


def test_two_loads_give_the_same_bytes(project: Path) -> None:
    """Nothing but files and options decides the data."""
    first, second = (load(context(project, (3, 32, 32)), path="pictures") for _ in range(2))

    assert torch.equal(first.train.inputs, second.train.inputs)
    assert torch.equal(first.test.inputs, second.test.inputs)


def problems(project: Path, **options: object) -> list[str]:
    """Return the lines of the error that loading `pictures` gives."""
    with pytest.raises(DataError) as caught:
        load(context(project), **{"path": "pictures", **options})  # type: ignore[arg-type]
    return str(caught.value).split("\n")


def test_a_missing_folder(project: Path) -> None:
    """The error names the folder that was looked for."""
    assert problems(project, path="photos") == [
        f"{project / 'photos'}: no such folder; the option path starts at the project's root"
    ]


def test_a_folder_without_classes(project: Path) -> None:
    """An empty folder says what belongs in it."""
    (project / "empty").mkdir()

    assert problems(project, path="empty") == [
        f"{project / 'empty'}: 1 problem:",
        "  .: holds no folders; each class is a folder of images (.png, .jpg, .jpeg, .bmp)",
    ]


def test_one_of_two_folders_missing(project: Path) -> None:
    """train/ without test/ is not taken for a class."""
    (project / "pictures" / "test").rename(project / "pictures" / "tset")

    assert problems(project) == [
        f"{project / 'pictures'}: 1 problem:",
        "  holds train/ but no test/; the options train and test name the two folders",
    ]


def test_a_class_of_one_folder_alone(project: Path) -> None:
    """A class that is trained and not tested is a problem, as one that is tested and not trained is; both are named."""
    pictures = project / "pictures"
    (pictures / "test" / "dog").rename(pictures / "test" / "dogs")
    save(pictures / "train" / "emu" / "a.png", 5)

    expected = [
        f"{pictures}: 3 problems:",
        "  test/dogs: no such class in train/, did you mean 'dog'?",
        "  train/dog: no such class in test/, did you mean 'dogs'?; each class needs test images",
        "  train/emu: no such class in test/; each class needs test images",
    ]
    assert expected == problems(project)
    with pytest.raises(DataError, match="train/emu: no such class in test/"):
        identity(context(project), path="pictures")


def test_every_problem_at_once(project: Path) -> None:
    """Classes without images, unknown classes, truncated, foreign and deep images are all listed by name."""
    pictures = project / "pictures"
    (pictures / "train" / "owl").mkdir()
    save(pictures / "test" / "cats" / "a.png", 1)
    whole = (pictures / "train" / "cat" / "a.png").read_bytes()
    (pictures / "train" / "cat" / "b.png").write_bytes(whole[: len(whole) // 2])
    (pictures / "train" / "dog" / "a.png").write_text("no image")
    Image.new("I;16", (10, 12)).save(pictures / "test" / "dog" / "z.png")

    head, *lines = problems(project)

    assert f"{pictures}: 5 problems:" == head
    assert lines[0] == "  train/owl: holds no images (.png, .jpg, .jpeg, .bmp)"
    assert lines[1] == "  test/cats: no such class in train/, did you mean 'cat'?"
    assert lines[2].startswith("  test/dog/z.png: cannot be read: more than 8 bits a channel (mode I")
    assert lines[3].startswith("  train/cat/b.png: cannot be read: ")
    assert lines[4].startswith("  train/dog/a.png: cannot be read: cannot identify image file")


def test_no_readable_image_at_all(tmp_path: Path) -> None:
    """A folder of nothing but broken files lists them all."""
    folder = tmp_path / "pictures" / "only"
    folder.mkdir(parents=True)
    for index in range(5):
        (folder / f"{index}.jpg").write_bytes(b"broken")

    head, *lines = problems(tmp_path)

    assert f"{tmp_path / 'pictures'}: 5 problems:" == head
    assert [f"only/{index}.jpg" for index in range(5)] == [line.split(":")[0].strip() for line in lines]


def test_too_few_images_to_hold_one_out(tmp_path: Path) -> None:
    """A class that would have no test image is a problem."""
    for index in range(4):
        save(tmp_path / "pictures" / "rare" / f"{index}.png", index)

    assert problems(tmp_path)[1:] == ["  rare: 4 images; at least 5 are needed to hold one out for testing"]


def test_several_sizes_and_nothing_to_choose_by(project: Path) -> None:
    """Images of several sizes for a model that takes any shape ask for the option size."""
    save(project / "pictures" / "train" / "cat" / "a.png", 3, (30, 7))

    assert problems(project)[1:] == ["  images of 2 sizes (10x12, 7x30…) for a model that takes any: set the option size"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "option path: missing"),
        ({"path": 3}, "option path = 3: not a text"),
        ({"path": -1}, "option path = -1: not a text"),
        ({"path": True}, "option path = True: not a text"),
        ({"path": "pictures", "train": 3}, "option train = 3: not a text"),
        ({"path": "pictures", "test": False}, "option test = False: not a text"),
        ({"path": "pictures", "test": ""}, "option test = '': not a text"),
        ({"path": "pictures", "size": 0}, "option size = 0: not a whole number in reach; allowed: 1 to 10000"),
        ({"path": "pictures", "size": True}, "option size = True: not a whole number in reach"),
        ({"path": "pictures", "test": "train"}, "options train and test both name 'train'"),
        ({"path": "pictures", "test": "./train/"}, "options train and test both name 'train'"),
        ({"path": "pictures", "fit": "padd"}, "option fit = 'padd': unknown, did you mean 'pad'?"),
        ({"path": "nowhere", "scale": "half"}, "option scale = 'half': unknown"),
    ],
)
def test_wrong_options_are_usage_errors(options: dict[str, object], message: str, project: Path) -> None:
    """Options are checked before the folder is read."""
    with pytest.raises(UsageError) as caught:
        load(context(project), **options)  # type: ignore[arg-type]

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("options", [{"path": 3}, {"path": "pictures", "train": 3}, {"path": "pictures", "test": "train"}])
def test_identity_checks_the_same_options(options: dict[str, object], project: Path) -> None:
    """The identity is asked for before the data: it refuses what loading would refuse."""
    with pytest.raises(UsageError):
        identity(context(project), **options)  # type: ignore[arg-type]


def test_identity_is_stable_and_ignores_what_is_not_loaded(project: Path) -> None:
    """The same files give the same digest, from anywhere and with any preparation; other files do not count."""
    before = identity(context(project), path="pictures")
    (project / "pictures" / "train" / "cat" / "notes.txt").write_text("x")
    moved = project.rename(project.with_name("moved"))

    assert before == identity(context(moved, (3, 8, 8)), path="pictures", size=8, fit="resize", scale="raw")
    assert len(before) == 64


def test_one_byte_of_one_image_changes_the_identity(project: Path) -> None:
    """A single changed byte, even one that no pixel shows, is another data set."""
    file = project / "pictures" / "test" / "dog" / "z.png"
    before = identity(context(project), path="pictures")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    assert before != identity(context(project), path="pictures")


def test_a_renamed_image_changes_the_identity(project: Path) -> None:
    """Names count, since they decide order and class."""
    before = identity(context(project), path="pictures")
    (project / "pictures" / "test" / "dog" / "z.png").rename(project / "pictures" / "test" / "dog" / "a.png")

    assert before != identity(context(project), path="pictures")


def test_identity_names_a_missing_folder(project: Path) -> None:
    """There is no identity of files that are not there."""
    with pytest.raises(DataError, match="no such folder"):
        identity(context(project), path="photos")
