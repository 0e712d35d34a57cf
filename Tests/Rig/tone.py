"""Test tones: written as WAVE files, found again in what was recorded."""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

HALF_SCALE = 0.5 * 32767
NEIGHBOURHOOD_HZ = 15
"""The power within this distance of the peak counts as the tone (a Hann window and a resampler widen it)."""


@dataclass(frozen=True)
class Tone:
    """The strongest tone in a recording."""

    hertz: float
    purity: float
    """The tone's share of all power above 5 bins: 1.0 is a clean sine."""
    level: float
    """Root mean square, in 16-bit steps."""
    seconds: float

    def __str__(self) -> str:
        return f"{self.hertz:.1f} Hz, purity {self.purity:.4f}, level {self.level:.0f}"


def dominant_tone(samples: Samples, rate: int) -> Tone:
    """The strongest tone in `samples`; a level of 0 when there is nothing to hear."""
    seconds = len(samples) / rate
    if len(samples) < rate // 10 or not np.any(samples):
        return Tone(0, 0, 0, seconds)
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    peak = int(power[5:].argmax()) + 5
    near = np.abs(frequencies - frequencies[peak]) < NEIGHBOURHOOD_HZ
    purity = float(power[near].sum() / power[5:].sum())
    return Tone(float(frequencies[peak]), purity, float(np.sqrt(np.mean(samples**2))), seconds)


def read_wave(path: Path) -> tuple[Samples, int]:
    """The first channel of a 16-bit WAVE file, and its rate in Hz."""
    with wave.open(str(path)) as file:
        frames = file.readframes(file.getnframes())
        samples = np.frombuffer(frames[: len(frames) & ~1], dtype="<i2").reshape(-1, file.getnchannels())[:, 0]
        return samples.astype(np.float64), file.getframerate()


def middle_tone(path: Path) -> Tone:
    """The tone in the middle 60 % of a recording, where neither the call's beginning nor its end is heard."""
    samples, rate = read_wave(path)
    return dominant_tone(samples[int(0.2 * len(samples)) : int(0.8 * len(samples))], rate)


def write_wave(path: Path, samples: Samples, rate: int) -> Path:
    """Writes mono 16 bit."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes())
    return path


def sine(hertz: float, seconds: float, rate: int) -> Samples:
    """A sine at half of full scale."""
    return HALF_SCALE * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
