"""Spectrograms: generated log-mel-like pictures of gliding tones; the class is the order of the glides.

A class is a row of one to three glides over the whole range of the voice, each up or down: "up", "down", "up-down", and so
on. The glides share the tone's time equally. So each class spends the same time at each frequency (to within one frame's
step), and neither a single frame nor all frames without their order tell the class.

Each sample has an onset, a duration and a gain of its own, a steady hum at a random band, and noise in every bin:
value = gain * tone + hum / 2 + noise * z. Tone and hum are parabolas over the bands, 1 at their centre and 0 from 3 bands
away; z is roughly normal.

Chance 1 / classes. Best possible: practically 1 with the default noise (a matched filter that knows the tones makes no
mistake on the test split).

Shape suffixes: N samples, T frames, F mel bands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._generated import BYTE_SUM_VARIANCE, Numbers, Reals, draw, draw_bell, draw_classes
from harness.data._option_checks import check_samples
from harness.options import check_count, check_real

FRAMES, BANDS = 101, 40
LOWEST, HIGHEST = 6, 33
"""Bands between which tones glide."""
REACH = 3
"""Bands from a tone's centre to where it is silent."""
SHORTEST, LONGEST = 60, 84
"""Frames of a tone."""
GLIDES = (
    ("up",),
    ("down",),
    ("up", "down"),
    ("down", "up"),
    ("up", "up"),
    ("down", "down"),
    ("up", "down", "up"),
    ("down", "up", "down"),
    ("up", "up", "down"),
    ("down", "down", "up"),
    ("up", "down", "down"),
    ("down", "up", "up"),
    ("up", "up", "up"),
    ("down", "down", "down"),
)
"""Glides of each class, in order."""
MOST_SAMPLES = 20_000


def load(
    context: LoadContext,
    *,
    train_samples: int = 1000,
    test_samples: int = 300,
    classes: int = 10,
    noise: float = 0.3,
) -> Splits:
    """Return the spectrograms, [101 frames, 40 mel bands] float32.

    Classes take turns, so that in either split none has more than one sample more than another. With fewer samples than
    classes some have none; they stay among the data set's classes.

    Args:
        context: nothing is fetched.
        train_samples: in the training split.
        test_samples: in the test split, which is the same whatever the training split.
        classes: the first so many of GLIDES, at most 14.
        noise: standard deviation of the noise in each bin; a tone's peak is 0.5 to 1.5.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_samples(train_samples, test_samples, MOST_SAMPLES)
    check_count("classes", classes, 2, len(GLIDES))
    check_real("noise", noise, 0, 10)

    def split(name: str, count: int) -> Split:
        labels_N = draw_classes(f"spectrograms/{name}/labels", count, classes)
        return Split(torch.from_numpy(_spectrograms(name, labels_N, noise)), torch.from_numpy(labels_N))

    names = tuple("-".join(glides) for glides in GLIDES[:classes])
    return Splits(split("train", train_samples), split("test", test_samples), names)


def centres(glides: tuple[str, ...], duration: int) -> Reals:
    """Return the band at which a tone is centred in each frame of its duration."""
    passed = (2 * np.arange(duration) + 1) * len(glides) / (2 * duration)
    current = passed.astype(np.int64)
    rising = np.array([glide == "up" for glide in glides])[current]
    phase = passed - current
    return np.asarray(LOWEST + (HIGHEST - LOWEST) * np.where(rising, phase, 1 - phase))


def bump(centres_: Reals) -> Reals:
    """Return the loudness of tones at `centres_` in every band, [..., F]."""
    distance = (np.arange(BANDS) - centres_[..., None]) / REACH
    return np.asarray(np.maximum(0, 1 - distance * distance))


def _spectrograms(name: str, labels_N: Numbers, noise: float) -> npt.NDArray[np.float32]:
    count = len(labels_N)
    duration_N = SHORTEST + draw(f"spectrograms/{name}/durations", count, LONGEST - SHORTEST + 1)
    onset_N = draw(f"spectrograms/{name}/onsets", count, 1 << 30) % (FRAMES - duration_N + 1)
    gain_N = 0.5 + draw(f"spectrograms/{name}/gains", count, 1025) / 1024
    hum_N = draw(f"spectrograms/{name}/hums", count, BANDS)
    sounds_NTF = draw_bell(f"spectrograms/{name}/noise", (count, FRAMES, BANDS)) * (noise / np.sqrt(BYTE_SUM_VARIANCE))
    sounds_NTF += bump(hum_N.astype(np.float64))[:, None] / 2
    for sample, (label, onset, duration) in enumerate(zip(labels_N, onset_N, duration_N, strict=True)):
        sounds_NTF[sample, onset : onset + duration] += gain_N[sample] * bump(centres(GLIDES[label], int(duration)))
    return np.asarray(sounds_NTF, dtype=np.float32)


DATASET = Dataset(
    load=load,
    shape=(101, 40),
    classes=10,
    sizes=(1000, 300),
    source="generated; gliding tones with noise",
    synthetic=True,
)
