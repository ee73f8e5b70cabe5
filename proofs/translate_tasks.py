"""The tasks of proofs/translate.py: who plays, with which settings, and what must be reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from translate_bench import COLOURS, EMOJI, KD, MAPS, PALE, SKETCHES

ON, OFF, REAL, CONTROL = "the recipe", "without its critic", "real pictures", "control: beside other inputs' truth"
COPY, MEAN, CHANCE = "the input as it is", "the mean picture", "chance: true pictures of other inputs"
TABLE, TONES, MEAN_COLOUR = "colour look-up table", "lightness look-up table", "the mean colour"
NEIGHBOUR, MATCHED, CHEAT = "nearest neighbour", "matched histograms", "one real picture, repeated"

Rows = dict[str, list[dict[str, float]]]
Means = dict[str, dict[str, float]]


class Goal(NamedTuple):
    """What a row must reach.

    Attributes:
        says: in words.
        figure: which column.
        bound: from the means of all rows to what the figure must reach; figures that are to be low must stay below.
        row: whose figure; of the control, which must be no better than chance, the bound is the best that it may have.
        needs: rows that the bound is taken from, and that may be missing.
    """

    says: str
    figure: str
    bound: Callable[[Means], float]
    row: str = ON
    needs: tuple[str, ...] = ()


class Task(NamedTuple):
    """One table.

    Attributes:
        title: its heading.
        columns: its figures.
        baselines: its first rows; the last but one is the best of them, the last is chance.
        recipes: name -> (settings beside the defaults, rounds).
        goals: what must be reached.
        alone: whether the recipe learns from the pictures of side `b` alone.
    """

    title: str
    columns: tuple[str, ...]
    baselines: tuple[str, ...]
    recipes: dict[str, tuple[dict[str, Any], int]]
    goals: tuple[Goal, ...]
    alone: bool = False


def fixed(value: float) -> Callable[[Means], float]:
    return lambda rows: value


def of(row: str, figure: str, more: float = 0.0, times: float = 1.0) -> Callable[[Means], float]:
    return lambda rows: rows[row][figure] * times + more


def needs_critic(figure: str, says: str = "more real than without its critic") -> Goal:
    return Goal(says, figure, of(OFF, figure), needs=(OFF,))


def at_chance(figure: str, bound: Callable[[Means], float], says: str) -> Goal:
    return Goal(f"beside other inputs' truth {says}", figure, bound, CONTROL)


ISLANDS = (
    at_chance("PSNR", of(MEAN, "PSNR"), "no better than the mean picture"),
    at_chance("land IoU", of(CHANCE, "land IoU", 0.05), "no more overlap of land than by chance, within 0.05"),
)
COLOUR_GOALS = (
    Goal("colour error 1.5 below the look-up table's", "ab error", of(TONES, "ab error", -1.5)),
    Goal("as colourful as the truth within 20 %", PALE, fixed(0.2)),
    needs_critic(PALE, "colourfulness nearer to the truth than without its critic"),
    needs_critic(KD),
    at_chance("ab error", of(MEAN_COLOUR, "ab error"), "no better than the mean colour"),
)
RELIEF = {"flip": False}  # the light on the relief falls from one side

TASKS = {
    "map": Task(
        "Satellite to map, from pairs; Oceania held out",
        MAPS,
        (COPY, MEAN, NEIGHBOUR, TABLE, CHANCE),
        {"pix2pix": (RELIEF, 1500)},
        (
            Goal("PSNR 1.5 dB above the look-up table", "PSNR", of(TABLE, "PSNR", 1.5)),
            Goal("land where land is", "land IoU", fixed(0.9)),
            Goal("water where water is", "water IoU", fixed(0.9)),
            Goal("nearer to real maps than the look-up table", KD, of(TABLE, KD)),
            needs_critic(KD),
            *ISLANDS,
        ),
    ),
    "unpaired-map": Task(
        "Satellite to map, without pairs: pictures of the Old World, maps of the Americas, judged on Oceania",
        MAPS,
        (COPY, MEAN, MATCHED, CHANCE),
        {"cut": (RELIEF, 700), "cyclegan": (RELIEF, 500)},
        (
            Goal("PSNR above the input's", "PSNR", of(COPY, "PSNR")),
            Goal("PSNR above the mean picture's", "PSNR", of(MEAN, "PSNR")),
            Goal("land where land is", "land IoU", fixed(0.8)),
            Goal("water where water is", "water IoU", fixed(0.8)),
            needs_critic(KD),
            *ISLANDS,
        ),
    ),
    "colour": Task(
        "Black and white to colour: satellite pictures; Oceania held out",
        COLOURS,
        (COPY, MEAN_COLOUR, TONES, CHANCE),
        {"colourise": ({}, 1500)},
        COLOUR_GOALS,
        alone=True,
    ),
    "photos": Task(
        "Black and white to colour: photos of landscapes and plants, two of seven held out",
        COLOURS,
        (COPY, MEAN_COLOUR, TONES, CHANCE),
        {"colourise": ({}, 1500)},
        COLOUR_GOALS,
        alone=True,
    ),
    "emoji": Task(
        "Google's emoji into Twitter's style, without pairs; a fifth of the code points held out",
        EMOJI,
        (COPY, CHEAT, MEAN, MATCHED, CHANCE),
        {"cut": ({}, 700), "cyclegan": ({}, 500)},
        (
            Goal("the judge takes 85 % for Twitter's", "taken for Twitter's", fixed(0.85)),
            Goal("the right emoji is found twice as often as by the input", "R@1", of(COPY, "R@1", times=2)),
            needs_critic("taken for Twitter's"),
            at_chance("R@1", fixed(0.02), "found by chance alone"),
        ),
    ),
    "sketch": Task(
        "Sketch to colour: OpenMoji's black forms into its coloured ones; a fifth of the code points held out",
        SKETCHES,
        (COPY, MEAN, NEIGHBOUR, CHANCE),
        {"pix2pix": ({}, 1500)},
        (
            Goal("L1 below the nearest neighbour's", "L1", of(NEIGHBOUR, "L1")),
            Goal("nearer to real pictures than the nearest neighbour's", KD, of(NEIGHBOUR, KD)),
            needs_critic("L1", "L1 below that without its critic"),
            needs_critic(KD),
            at_chance("L1", of(MEAN, "L1"), "no better than the mean picture"),
        ),
    ),
}
