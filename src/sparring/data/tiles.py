"""Photographs at their own size, cut into tiles: what super-resolution learns from, alone or as pairs of two sizes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.data.cutting import Cut, Photos
from sparring.data.gallery import Found, Gallery
from sparring.data.pictures import Header
from sparring.data.sides import plan
from sparring.data.sides.kin import joined
from sparring.data.sides.layouts import Sides, gallery_of
from sparring.data.sides.match import in_order, match
from sparring.data.sides.plan import Plan
from sparring.data.sides.read import find_sides, title
from sparring.data.source import find, wishes
from sparring.data.survey import Survey, survey
from sparring.errors import SparringError

if TYPE_CHECKING:
    from sparring.data.dataset import Dataset

Size = tuple[int, int]


def open_tiles(
    source: Any, *, scale: int, crop: Size, tile: Size | None = None, channels: int | None = None
) -> Dataset:
    """Open photographs of any sizes as tiles of their own pixels, decoding on the first call and mapping later.

    Nothing is scaled. Tiles do not overlap, but for the last of a row or a column, which lies flush with the edge;
    where less than a quarter of a tile would be left there, that is left out. A picture that is smaller than a tile
    and not smaller than a crop is extended by its mirror image on all sides.

    Args:
        source: whatever `source.open_data` reads as pictures.
        scale: how many times smaller the pictures will be that these are to be made from.
        crop: (height, width) of what the networks see, multiples of the scale.
        tile: (height, width) of the stored tiles, the crop's plus multiples of twice the scale, so that the centre of
            a tile lies at a whole pixel at the smaller size too; None for about a third more than the crop.
        channels: 1 grey, 3 RGB, 4 RGBA; None chooses by the data.

    Returns:
        A data set of kind "pictures" whose rows are (n, channels, *tile) uint8 and whose spec.shape is (channels,
        *crop). Its groups are the photographs, or the source's own groups of them; labels and columns are dropped.

    Raises:
        SparringError: for a source that holds no pictures or none as large as the crop, and for wishes that cannot be
            met.
    """
    tile = _tile(scale, crop, tile)
    wishes(None, channels)
    found = find(source)

    def planned() -> Plan:
        gallery = plan.bare(found, "")
        seen = survey(gallery, tile, channels)
        return _planned([gallery], [seen.headers], Cut(crop, tile, (1,), seen.channels), found.name)

    identity = found.identity and (*found.identity, ("tiles", scale, crop))
    stored = _prepared(replace(found, identity=identity), tile, channels, planned)
    shape = (stored.spec.shape[0], *crop)
    spec = replace(stored.spec, shape=shape, classes=(), shares=(), hash=_hash("tiles", stored.spec.hash, shape, scale))
    return replace(stored, spec=spec, labels=None, notes=_notes(stored, crop, (tile,)))


def open_tile_pairs(
    a: Any = None,
    b: Any = None,
    source: Any = None,
    *,
    scale: int,
    crop: Size,
    tile: Size | None = None,
    channels: int | None = None,
) -> Dataset:
    """The same of pairs of two sizes: small pictures, and the large ones that are to be made from them.

    Args:
        a, b: the small and the large pictures, which have one name on both sides; that of a small one may also end in
            "x4", the scale.
        source: in their place, one thing that holds both, as `layouts.both` describes it.
        crop, tile: of the large pictures.
        channels: of both; None for those of the side that needs more.
        scale: how many times larger the large ones are, in each direction and exactly.

    Returns:
        A data set of kind "pairs" of the large tiles, whose `source` holds the small ones; spec.source is (channels,
        *crop / scale). Both tiles of a pair show one place.

    Raises:
        SparringError: as `open_tiles` does, and for pairs whose sizes are not `scale` times one another.
    """
    tile = _tile(scale, crop, tile)
    wishes(None, channels)
    sides = find_sides(a, b, source)
    identity = None
    if sides.a.identity and sides.b.identity:
        identity = (("tile pairs", sides.aligned, scale, crop), *sides.a.identity, ("and",), *sides.b.identity)
    found = Found(title(sides, False), sides.b.load, identity)
    stored = _prepared(found, tile, channels, lambda: _pairs(sides, scale, crop, tile, channels))
    return _parted(stored, scale, crop, tile)


def _tile(scale: int, crop: Size, tile: Size | None) -> Size:
    """The size of a tile, once the crop and the wish for one are checked."""
    if any(side < scale or side % scale for side in crop):
        near = "x".join(str(max(1, round(side / scale)) * scale) for side in crop)
        raise SparringError(
            f"A crop of {_shown(crop)} cannot be made {scale} times smaller in whole pixels: its sides must be "
            f"multiples of {scale}, such as {near}."
        )
    step = 2 * scale
    height, width = (side + step * -(-side // (3 * step)) for side in crop)
    if tile is None:
        return height, width
    if any(whole < side or (whole - side) % step for side, whole in zip(crop, tile, strict=True)):
        raise SparringError(
            f"Tiles of {_shown(tile)} do not suit crops of {_shown(crop)} at scale {scale}: their sides must be the "
            f"crop's plus multiples of {step}, such as {_shown((height, width))}."
        )
    return tile


def _pairs(sides: Sides, scale: int, crop: Size, tile: Size, channels: int | None) -> Plan:
    a, b = gallery_of(sides.a, "A"), gallery_of(sides.b, "B")
    found = in_order(len(a.names)) if sides.aligned else match(_without_scale(a.names, scale), b.names)
    small, large = plan.subset(a, found.a), plan.subset(b, found.b)
    seen = [_survey(side, tile, channels, letter) for side, letter in ((large, "B"), (small, "A"))]
    headers = [side.headers for side in seen]
    _refuse_unlike(large.names, headers[1], headers[0], scale)
    groups = [side.groups for side in (small, large) if side.groups is not None]
    held = [side.held for side in (small, large) if side.held is not None]
    both = replace(
        large,
        notes=plan.notes_of(sides, a, b) + plan.unmatched(found),
        groups=joined(*groups) if groups else None,
        held=np.any(held, axis=0) if held else None,
        card={"kind": "pairs"},
    )
    cut = Cut(crop, tile, (1, scale), max(side.channels for side in seen))
    return _planned([both, small], headers, cut, title(sides, False))


def _survey(gallery: Gallery, tile: Size, channels: int | None, letter: str) -> Survey:
    try:
        return survey(gallery, tile, channels)
    except SparringError as error:
        raise SparringError(f"Side {letter}: {error}") from error


def _without_scale(names: Sequence[str], scale: int) -> list[str]:
    """Names without the "x4" before their ending that small pictures often have, where all of them have it."""
    bare = [re.sub(rf"[-_ ]?x{scale}(\.\w+)$", r"\1", name, flags=re.IGNORECASE) for name in names]
    return bare if all(map(str.__ne__, bare, names)) else list(names)


def _refuse_unlike(names: Sequence[str], small: dict[int, Header], large: dict[int, Header], scale: int) -> None:
    known = sorted(small.keys() & large.keys())
    sizes = {at: [(seen[at].height, seen[at].width) for seen in (small, large)] for at in known}
    unlike = [at for at, (one, other) in sizes.items() if other != (one[0] * scale, one[1] * scale)]
    if not unlike:
        return
    one, other = sizes[unlike[0]]
    high, wide = other[0] / one[0], other[1] / one[1]
    would = f"a scale of {high:g}" if high == wide else f"{high:.4g} times as high and {wide:.4g} times as wide"
    raise SparringError(
        f"In {len(unlike)} of {len(sizes)} pairs B is not exactly {scale} times as large as A; first "
        f"{names[unlike[0]]}, where A is {_shown(one)} and B is {_shown(other)} (height x width), {would}: ask for the "
        "scale that all pairs have, or crop both pictures of a pair alike."
    )


def _planned(sides: list[Gallery], headers: list[dict[int, Header]], cut: Cut, name: str) -> Plan:
    """The plan of all tiles of all pictures; `sides` are the galleries to cut, of which the first tells of groups."""
    whole, seen = sides[0], headers[0]
    small = [at for at, head in seen.items() if head.height < cut.crop[0] or head.width < cut.crop[1]]
    if len(small) == len(seen):
        most = max(seen.values(), key=lambda head: head.height * head.width)
        raise SparringError(
            f"Every picture in {name} is smaller than the crop of {_shown(cut.crop)} (the largest is "
            f"{_shown((most.height, most.width))}, height x width): give larger pictures or ask for a smaller crop."
        )
    left = set(small)
    photos = Photos([at for at in range(len(whole.names)) if at not in left], sides, headers, cut)
    of = photos.places[:, 0]  # the picture's place among those that are cut
    own = np.array(photos.chosen)[of]  # and in the gallery
    gallery = Gallery(
        names=[whole.names[at] for at in own],
        open=lambda index: whole.open(int(own[index])),
        labels=of,  # not to be learnt, but to know afterwards which pictures could be read
        classes=tuple(whole.names[at] for at in photos.chosen),
        notes=whole.notes + _smaller([whole.names[at] for at in small], cut.crop) + photos.notes(),
        groups=of if whole.groups is None else whole.groups[own],
        held=None if whole.held is None else whole.held[own],
        row=photos.row,
        card=whole.card,
    )
    return Plan(gallery, photos.survey())


def _smaller(names: list[str], crop: Size) -> tuple[str, ...]:
    if not names:
        return ()
    what = "1 picture is" if len(names) == 1 else f"{len(names)} pictures are"
    return (f"{what} smaller than a crop of {_shown(crop)} and left out: {_some(names)}.",)


def _notes(stored: Dataset, crop: Size, tiles: Sequence[Size]) -> tuple[str, ...]:
    """What was cut, and the stored notes; but on what cannot be read a sentence on pictures in place of tiles."""
    assert stored.labels is not None
    counts = np.bincount(stored.labels, minlength=len(stored.spec.classes))
    broken = [name for name, count in zip(stored.spec.classes, counts, strict=True) if not count]
    what, was = "pairs of " if len(tiles) > 1 else "", "was" if len(broken) == 1 else "were"
    sizes = " and ".join(map(_shown, tiles))
    told = (
        f"{len(stored):,} {what}tiles of {sizes} (height x width) were cut from {np.count_nonzero(counts):,} "
        f"{what}pictures at their own size; training sees crops of {_shown(crop)} of them, at random."
    )
    if not broken:
        return (told, *stored.notes)
    lost = f"{len(broken)} of {len(counts)} {what}pictures cannot be read and {was} left out: {_some(broken)}."
    return (told, *stored.notes[:-1], lost)  # the last one is prepare's


def _parted(stored: Dataset, scale: int, crop: Size, tile: Size) -> Dataset:
    """Rows that hold both tiles of a pair, one after the other, as a data set of the large and one of the small."""
    n, channels, _, _ = stored.rows.shape
    large, small = crop, (crop[0] // scale, crop[1] // scale)
    tiles = (tile, (tile[0] // scale, tile[1] // scale))
    border = tile[0] * tile[1]
    x = stored.rows[:, :, 0, :border].reshape(n, channels, *tiles[0])  # a view: it is still mapped
    given = stored.rows[:, :, 0, border:].reshape(n, channels, *tiles[1])
    shape, source = (channels, *large), (channels, *small)
    settled = (stored.spec.hash, shape, source, tile)
    spec = replace(stored.spec, shape=shape, source=source, classes=(), shares=(), hash=_hash("tile pairs", *settled))
    start = replace(spec, kind="pictures", shape=source, source=(), hash=_hash("given tiles", *settled))
    whole = replace(stored, spec=spec, rows=x, labels=None, notes=_notes(stored, crop, tiles))
    return replace(whole, source=replace(whole, spec=start, rows=given, held=None, notes=()))


def _prepared(found: Found, tile: Size, channels: int | None, planned: Callable[[], Plan]) -> Dataset:
    # Imported here, for it imports torch, which takes seconds.
    from sparring.data import prepare

    if found.identity and (before := prepare.load(prepare.entry(found, tile, channels))):
        return before
    gallery, settled = planned()
    make = prepare.on_disk if found.identity else prepare.in_memory
    return make(found, gallery, tile, channels, settled)


def _shown(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _hash(*content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
