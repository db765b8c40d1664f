"""Log-mel features against SciPy's short-time Fourier transform and against the formula in loops."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import spectrogram

from harness.data._mel import BANDS, CHUNK, FFT, FLOOR, HOP, RATE, STEP, WINDOW, WINDOWS, Sound, log_mel, triangles

DIGEST = "44d779ec87e938c89bd1802e9f9fc10742361dec6018e01ef38150b66a16b70e"
"""SHA-256 of the features of `noise(5000)`."""

Reals = npt.NDArray[np.float64]


def noise(samples: int) -> Sound:
    """Return loud noise of whole numbers that are the same on every machine."""
    return np.random.RandomState(3).randint(-9000, 9000, samples).astype(np.int16)


def tone(hertz: float, samples: int = 8000) -> Sound:
    """Return a pure tone."""
    return (12000 * np.sin(2 * np.pi * hertz * np.arange(samples) / RATE)).astype(np.int16)


def mel(hertz: float) -> float:
    """Return a pitch on O'Shaughnessy's mel scale, in its form with natural logarithms."""
    return 2595 / math.log(10) * math.log1p(hertz / 700)


def edges() -> list[float]:
    """Return the 42 frequencies between 20 and 4,000 Hz whose distances in mel are equal, found by bisection."""
    found = []
    for number in range(42):
        wanted = mel(20) + (mel(4000) - mel(20)) * number / 41
        low, high = 0.0, 5000.0
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if mel(middle) < wanted else (low, middle)
        found.append(low)
    return found


def weight(hertz: float, below: float, peak: float, above: float) -> float:
    """Return the height of a triangle at one frequency."""
    if not below < hertz < above:
        return 0.0
    return (hertz - below) / (peak - below) if hertz <= peak else (above - hertz) / (above - peak)


def expected(sound: Sound) -> Reals:
    """Return the features of one recording by SciPy's spectrum and triangles in loops, [T, F], not rounded."""
    length = (WINDOWS - 1) * HOP + WINDOW
    padded = np.concatenate([np.zeros(WINDOW // 2), sound / 32768, np.zeros(length)])[:length]
    options = {"window": "hann", "nperseg": WINDOW, "noverlap": WINDOW - HOP, "nfft": FFT, "detrend": False}
    hertz, _, values_KT = spectrogram(padded, RATE, scaling="spectrum", mode="complex", **options)
    power_KT = np.abs(values_KT * WINDOW / 2) ** 2  # SciPy divides by the sum of the window, half its length
    points = edges()
    triangles_FK = np.array([[weight(k, *points[band : band + 3]) for k in hertz] for band in range(BANDS)])
    return np.asarray(np.log(triangles_FK @ power_KT + FLOOR).T)


@pytest.mark.parametrize("samples", [1, 700, 8099, 8100, 20_000])
def test_equals_scipy_and_the_formula(samples: int) -> None:
    """Short, exact and too long recordings: every feature is the formula's, to half a STEP."""
    sound = noise(samples)

    np.testing.assert_allclose(log_mel([sound])[0] * STEP, expected(sound), rtol=0, atol=STEP / 2 + 1e-9)


def test_the_bytes_are_the_recorded_ones() -> None:
    """Features are whole STEPs, the same on every machine and in every release."""
    assert DIGEST == hashlib.sha256(log_mel([noise(5000)]).tobytes()).hexdigest()


def test_a_recording_does_not_depend_on_its_neighbours() -> None:
    """Worked on together or alone, in whatever chunk, a recording has the same features."""
    sounds = [noise(100 + 37 * number) for number in range(CHUNK + 2)]
    together = log_mel(sounds)

    for number in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1):
        assert np.array_equal(log_mel([sounds[number]])[0], together[number])


def test_silence_is_the_floor() -> None:
    """Without sound each feature is ln(FLOOR), in whole STEPs."""
    features = log_mel([np.zeros(4000, dtype=np.int16)])

    assert {round(math.log(FLOOR) / STEP)} == set(features.ravel().tolist())


@pytest.mark.parametrize("hertz", [200, 1000, 3000])
def test_a_tone_sounds_in_its_own_band(hertz: float) -> None:
    """The loudest band of a pure tone is the one whose peak is nearest in mel."""
    peaks = edges()[1:-1]
    nearest = min(range(BANDS), key=lambda band: abs(mel(peaks[band]) - mel(hertz)))

    assert nearest == int(log_mel([tone(hertz)])[0][50].argmax())


def test_a_later_sound_is_the_same_sound_later() -> None:
    """Three hops of silence before a recording move its features by three windows."""
    sound = noise(3000)
    early, late = log_mel([sound, np.concatenate([np.zeros(3 * HOP, dtype=np.int16), sound])])

    assert np.array_equal(early[:90], late[3:93])


def test_every_band_has_a_triangle() -> None:
    """No band is empty, and between the outermost peaks the weights of each frequency sum to 1."""
    weights_KF = triangles()
    hertz = np.arange(FFT // 2 + 1) * RATE / FFT
    inner = (hertz > edges()[1]) & (hertz < edges()[-2])

    assert (FFT // 2 + 1, BANDS) == weights_KF.shape
    assert weights_KF.sum(axis=0).min() > 0.5
    np.testing.assert_allclose(weights_KF[inner].sum(axis=1), 1, rtol=1e-12)
