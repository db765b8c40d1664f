"""Image folder: your own images, one folder a class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.data._base import Dataset, LoadContext, Splits
from harness.data._folders import Listing, Samples, list_images
from harness.data._images import Pixels, Preparation, Stored, check_options, fit_size, resize, target_shape
from harness.errors import UsageError
from harness.options import check_count, check_text

if TYPE_CHECKING:
    from PIL import Image

MEAN = (0.5, 0.5, 0.5)
STD = (0.5, 0.5, 0.5)
MOST_PIXELS = 10_000
"""Of a side that images are resized to."""

Size = tuple[int, int]
"""(height, width) in pixels."""


def load(
    context: LoadContext,
    *,
    path: str = "",
    size: int | None = None,
    scale: str = "standard",
    fit: str = "auto",
    train: str = "train",
    test: str = "test",
) -> Splits:
    """Return the images of a folder, prepared for the model.

    The folder holds `<train>/<class>/<image>` and `<test>/<class>/<image>`, both with the same classes; or just
    `<class>/<image>`, and then every fifth image of each class, by sorted name, is for testing. Images are .png, .jpg,
    .jpeg and .bmp files with 8 bits a channel, read as colour; transparency and the camera's orientation mark are
    ignored. Names that start with a dot are skipped. Samples keep the sorted order: class by class.

    Args:
        context: the project's root and the model's shape.
        path: the folder, relative to the project's root.
        size: resize every image to size x size pixels first. Left out: images of one size stay as they are; images
            of several sizes are resized to the model's.
        scale: standard (mean and deviation 0.5, so -1 to 1), unit or raw (see `_images.prepare`).
        fit: how images then meet the model's shape: auto, pad, crop or resize (likewise).
        train: name of the folder with training images.
        test: name of the folder with test images.

    Raises:
        UsageError: an option that is not allowed.
        DataError: the folder cannot be used; lists every problem.
    """
    _check_folder_options(path, size, train, test)
    check_options(shape=context.shape, fit=fit, scale=scale)
    listing = list_images(context.project / path, train, test)
    first = _first_size(listing, size, context.shape)
    _, *target = target_shape((3, *first), shape=context.shape, fit=fit, scale=scale)
    learned, tested = (_read(listing, samples, first, (target[0], target[1]), fit) for samples in (listing.train, listing.test))
    listing.check()
    return Preparation(context.shape, fit, scale).splits(learned, tested, classes=listing.classes, mean=MEAN, std=STD)


def identity(context: LoadContext, *, path: str = "", train: str = "train", test: str = "test", **_others: object) -> str:
    """Return SHA-256 over the name and content of every image that `load` reads; takes the same options.

    Raises:
        UsageError: an option that is not allowed.
        DataError: the folder cannot be used; lists every problem.
    """
    _check_folder_options(path, None, train, test)
    listing = list_images(context.project / path, train, test)
    digest = hashlib.sha256()
    for file in sorted(listing.files, key=listing.name):
        try:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            listing.unreadable[file] = str(error)
            continue
        digest.update(f"{listing.name(file)}\0{content}\n".encode())
    listing.check()
    return digest.hexdigest()


def _check_folder_options(path: str, size: int | None, train: str, test: str) -> None:
    if path == "":
        raise UsageError("option path: missing; give the folder of images, relative to the project's root")
    for option, value in (("path", path), ("train", train), ("test", test)):
        check_text(option, value)
    if size is not None:
        check_count("size", size, 1, MOST_PIXELS)
    if Path(train) == Path(test):
        raise UsageError(f"options train and test both name {train!r}; a model may not be tested on what it learned from")


def _first_size(listing: Listing, size: int | None, shape: Sequence[int] | None) -> Size:
    """Return the size that every image is resized to first.

    Raises:
        DataError: there is none to choose; lists every problem.
    """
    sizes = _sizes(listing)
    if not sizes:
        raise listing.error()
    if size is not None:
        return size, size
    if len(sizes) == 1:
        return sizes.pop()
    if shape is not None:
        return shape[1], shape[2]
    shown = ", ".join(f"{width}x{height}" for height, width in sorted(sizes)[:3])
    listing.problems.append(f"images of {len(sizes)} sizes ({shown}…) for a model that takes any: set the option size")
    raise listing.error()


def _sizes(listing: Listing) -> set[Size]:
    """Return the sizes that images have, by their headers alone; notes the files that cannot be read."""
    sizes: set[Size] = set()
    for file in listing.files:
        try:
            with _open(file) as image:
                sizes.add((image.height, image.width))
        except _failures() as error:
            listing.unreadable[file] = str(error)
    return sizes


def _read(listing: Listing, samples: Samples, first: Size, target: Size, fit: str) -> Stored:
    """Return samples as [N, 3, *target], each resized to `first` and then fitted; notes those that cannot be read."""
    images = np.zeros((len(samples), 3, *target), dtype=np.uint8)
    for index, (file, _) in enumerate(samples):
        if file in listing.unreadable:
            continue
        try:
            pixels = _decode(file)
        except _failures() as error:
            listing.unreadable[file] = str(error)
            continue
        images[index] = fit_size(pixels if pixels.shape[2:] == first else resize(pixels, first), target, fit)[0]
    return Stored(images, np.array([label for _, label in samples], dtype=np.int64))


def _decode(file: Path) -> Pixels:
    """Return one image as [1, 3, H, W]."""
    with _open(file) as image:
        # by way of RGBA, a palette with transparent entries keeps their colours
        painted = image.convert("RGBA") if "transparency" in image.info else image
        return np.asarray(painted.convert("RGB")).transpose(2, 0, 1)[np.newaxis]


def _open(file: Path) -> Image.Image:
    """Return the image with its header read."""
    from PIL import Image

    image = Image.open(file)
    if image.mode.startswith(("I", "F")):
        image.close()
        raise ValueError(f"more than 8 bits a channel (mode {image.mode}); save it with 8")
    return image


def _failures() -> tuple[type[Exception], ...]:
    """Return what Pillow raises for files that are damaged, of another kind or absurdly large."""
    from PIL import Image

    return (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


DATASET = Dataset(load=load, identity=identity, source="your own files")
