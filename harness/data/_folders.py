"""Lists a folder of images, one folder a class, with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import DataError, nearest

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
TEST_EVERY = 5

Samples = list[tuple[Path, int]]
"""Image files, each with its label."""


@dataclass
class Listing:
    """What a folder holds, and what is wrong with it."""

    root: Path
    classes: tuple[str, ...] = ()
    train: Samples = field(default_factory=list)
    test: Samples = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)
    """Why each file that cannot be read cannot be."""

    @property
    def files(self) -> Iterable[Path]:
        """Every image, training images first."""
        return (file for file, _ in (*self.train, *self.test))

    def name(self, path: Path) -> str:
        """Return a path relative to the folder."""
        return path.relative_to(self.root).as_posix()

    def check(self) -> None:
        """Raise `error` if there is a problem."""
        if self.problems or self.unreadable:
            raise self.error()

    def error(self) -> DataError:
        """Return an error that lists every problem found so far."""
        unreadable = (f"{self.name(file)}: cannot be read: {why}" for file, why in sorted(self.unreadable.items()))
        problems = [*self.problems, *unreadable]
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        return DataError("\n".join([f"{self.root}: {count}:", *(f"  {problem}" for problem in problems)]))


def list_images(root: Path, train: str, test: str) -> Listing:
    """Return the images of `<train>/<class>/` and `<test>/<class>/`, or where neither is there those of `<class>/`.

    In the first layout a class that only one of the two folders has is a problem, as it would be learned without being
    tested, or tested without being learned. In the second every fifth image of each class, by sorted name, is for testing.

    Raises:
        DataError: there is no such folder, or a folder in it cannot be read.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; the option path starts at the project's root")
    listing = Listing(root)
    there = [name for name in (train, test) if (root / name).is_dir()]
    try:
        if len(there) == 2:
            _list_two_folders(listing, root / train, root / test)
        elif there:
            missing = test if there == [train] else train
            listing.problems.append(f"holds {there[0]}/ but no {missing}/; the options train and test name the two folders")
        else:
            _list_one_folder(listing)
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return listing


def _list_two_folders(listing: Listing, train: Path, test: Path) -> None:
    learned, tested = _classes(listing, train), _classes(listing, test)
    listing.classes = tuple(learned)
    for label, name in enumerate(listing.classes):
        listing.train += [(file, label) for file in learned[name]]
    for name, files in tested.items():
        if name in learned:
            listing.test += [(file, listing.classes.index(name)) for file in files]
        else:
            listing.problems.append(f"{listing.name(test / name)}: no such class in {train.name}/{nearest(name, learned)}")
    for name, files in learned.items():
        if files and name not in tested:
            hint = nearest(name, tested)
            listing.problems.append(
                f"{listing.name(train / name)}: no such class in {test.name}/{hint}; each class needs test images"
            )


def _list_one_folder(listing: Listing) -> None:
    found = _classes(listing, listing.root)
    listing.classes = tuple(found)
    for label, (name, files) in enumerate(found.items()):
        if 0 < len(files) < TEST_EVERY:
            listing.problems.append(
                f"{name}: {len(files)} images; at least {TEST_EVERY} are needed to hold one out for testing"
            )
        for index, file in enumerate(files):
            split = listing.test if index % TEST_EVERY == TEST_EVERY - 1 else listing.train
            split.append((file, label))


def _classes(listing: Listing, folder: Path) -> dict[str, list[Path]]:
    """Return class name -> images, both sorted; a class without images and a folder without classes are problems."""
    found = {entry.name: _images(entry) for entry in sorted(folder.iterdir()) if entry.is_dir() and entry.name[0] != "."}
    wanted = f"images ({', '.join(SUFFIXES)})"
    listing.problems += [f"{listing.name(folder / name)}: holds no {wanted}" for name, files in found.items() if not files]
    if not found:
        listing.problems.append(f"{listing.name(folder)}: holds no folders; each class is a folder of {wanted}")
    return found


def _images(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.name[0] != ".")
