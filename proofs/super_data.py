"""The photographs of proofs/super.py as folders of PNG files, from packages that hold them.

    apt-get install lomiri-wallpapers-16.04; pip install scikit-image
    python proofs/super_data.py --out DATA

- test: chelsea and coffee, two photographs of scikit-image, whole: nothing of them is ever learnt from;
- train: its other photographs in colour (astronaut, motorcycle, rocket), and fifteen wallpapers, reduced to a third of
  their sides, for at full size they are soft. --tune holds out astronaut and picosdeeuropa of these, in the place of
  chelsea and coffee, to settle settings by.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from PIL import Image

HELD, KNOWN = ("chelsea.png", "coffee.png"), ("astronaut.png", "motorcycle_left.png", "rocket.jpg")
TUNED_BY = ("astronaut", "picosdeeuropa")  # with --tune
REDUCED = 3
WALLPAPERS = Path("/usr/share/backgrounds")


def package_folder(asked: Path | None) -> Path:
    """Where scikit-image's pictures lie, unless told."""
    if asked is not None:
        return asked
    try:
        return Path(str(distribution("scikit-image").locate_file("skimage/data")))
    except PackageNotFoundError:
        sys.exit("error: scikit-image's photographs are not on this machine: pip install scikit-image")


def reduced(path: Path, times: int) -> Image.Image:
    """A photograph in colour, its sides divided."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    return image.resize((image.width // times, image.height // times), Image.Resampling.LANCZOS)


def write(out: Path, skimage: Path, wallpapers: Path, tune: bool) -> None:
    """Fill `out` with train and test."""
    photos = sorted(wallpapers.glob("*.jpg"))
    if not photos:
        sys.exit(f"error: there are no wallpapers in {wallpapers}: apt-get install lomiri-wallpapers-16.04")
    everything = [(skimage / name, 1) for name in KNOWN] + [(path, REDUCED) for path in photos]
    held = [one for one in everything if one[0].name.startswith(TUNED_BY)] if tune else []
    parts = {
        "train": [one for one in everything if one not in held],
        "test": held or [(skimage / name, 1) for name in HELD],
    }
    for part, files in parts.items():
        shutil.rmtree(out / part, ignore_errors=True)
        (out / part).mkdir(parents=True)
        for path, times in files:
            reduced(path, times).save(out / part / f"{path.stem}.png")
        print(f"{part}: {len(files)} photographs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="where to write them")
    add("--skimage", type=Path, metavar="DIR", help="scikit-image's pictures, if not those of the installed package")
    add("--wallpapers", type=Path, default=WALLPAPERS, metavar="DIR", help="the wallpapers, if they lie elsewhere")
    add("--tune", action="store_true", help="hold out others than chelsea and coffee, to try settings by")
    asked = parser.parse_args()
    write(asked.out, package_folder(asked.skimage), asked.wallpapers, asked.tune)


if __name__ == "__main__":
    main()
