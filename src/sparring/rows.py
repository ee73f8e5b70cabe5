"""Rows of a table from a trained GAN: in blocks, so that a million need flat memory, with conditions and constraints.

Where something is asked of a column of categories, the generator is given it: the rarest of what is asked, as it can be
given one at a time. What does not hold after that is left out and drawn again, so all that comes back holds.
A number that hardly any row has is given to the rows nearest to it, whose other columns go with one that is close.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import torch

from sparring.data.tables import chance, codec, conditions, constraints, nearby, read, types, wishes
from sparring.data.tables.field import Field, Layout
from sparring.draws import mix
from sparring.errors import SparringError
from sparring.gan import GAN

if TYPE_CHECKING:
    import pandas as pd

    from sparring.run import Run

MOST, LEAST = 4096, 256  # rows of a block
PASS = 256  # rows that the networks make at once: 512 are 8 % faster, and take 11 MB more of two threads
MOST_AT_ONCE = 8  # blocks, on a machine of many cores, each of which takes memory
NUMBERS = 1 << 22  # of a block's latents, at most
PATIENCE = 1 << 18  # rows drawn, after which so few that hold are given up
RARE = 1000  # rows drawn for one that holds
SOON = 1 << 16  # rows drawn, after which numbers that so few have are given to the nearest rows
NEAREST = 100  # rows drawn for one of these


class Rows:
    """Rows of a GAN that learnt a table, endlessly. Those up to any number do not depend on how many are asked for.

    Attributes:
        drawn, kept: how many rows were made so far, and how many of them hold all that is asked.
        moved: how many rows that were handed out were given numbers that are asked for.

    Args:
        gan: in evaluation mode, on the CPU; it is not changed.
        where: conditions, as `wishes.read` takes them.
        seed: of the rows, 0 or more.
        beside: what to say of the data where a condition can hardly be met, given which rows of a table hold it.

    Raises:
        SparringError: for data that is no table, and conditions that it cannot meet.
    """

    def __init__(
        self,
        gan: GAN,
        where: wishes.Where = (),
        seed: int = 0,
        beside: Callable[[Callable[[pd.DataFrame], np.ndarray]], str] | None = None,
    ) -> None:
        if gan.spec.kind != "table":
            raise SparringError(f"rows are made of tables, and {gan.spec.name} is none")
        if seed < 0:
            raise SparringError(f"a seed is 0 or more; it is {seed}")
        self.gan, self.seed, self.beside = gan, seed, beside
        self.drawn = self.kept = self.moved = 0
        self.near = False  # whether the nearest rows are given numbers
        self.given = np.zeros(0, bool)  # which rows of the last block were given numbers
        self.layout = Layout(gan.spec.fields)
        self.wishes = wishes.read(gan.spec.fields, where)
        self.rules = [constraints.read(gan.spec.fields, constraint) for constraint in gan.spec.constraints]
        self.weights = {field.name: self._weights(field) for field in self.layout.discrete}
        self.left = [wish for wish in self.wishes if wish.field.name not in self.weights]  # to look for in the values
        asked = [(field, [wish for wish in self.left if wish.field == field]) for field in self.layout.numbers]
        self.bounds = [nearby.bounds(field, of) for field, of in asked if of]
        named = {field.name for rule in self.rules for field in rule.fields} | {wish.field.name for wish in self.left}
        fields = [self._narrowed(field) for field in gan.spec.fields]
        self.tested = [field for field in fields if field.name in named]
        self.others = [field for field in fields if field.name not in named]
        size = gan.noise_shape[0] + gan.spec.given
        self.block = max(min(MOST, 1 << (NUMBERS // size).bit_length() - 1), LEAST)

    def take(self, n: int) -> Iterator[pd.DataFrame]:
        """The first n rows, in tables of up to `block` rows, each with the columns, types and order of the data.

        Raises:
            SparringError: where fewer than one in 1,000 rows hold what is asked, found after 262,144 rows.
        """
        if n < 1:
            raise SparringError(f"ask for one row or more; {n} were asked for")
        number, threads = 0, torch.get_num_threads()
        at_once = min(threads, MOST_AT_ONCE)
        blocks: deque[Future[np.ndarray]] = deque()
        # each block by one thread: networks this narrow gain little from several, and rows do not depend on how many
        with ThreadPoolExecutor(at_once, initializer=_work_alone, initargs=(threads,)) as workers:
            try:
                while n > 0:
                    while len(blocks) < min(at_once + 1, self._lacking(n)):
                        blocks.append(workers.submit(self._make, number + len(blocks)))
                    made = self._finish(number, blocks.popleft().result())
                    self.moved += int(self.given[:n].sum())
                    if len(made):
                        yield made.iloc[:n] if n < len(made) else made
                    n, number = n - len(made), number + 1
            finally:
                workers.shutdown(cancel_futures=True)

    def _lacking(self, n: int) -> int:
        """How many blocks n more rows will need, by what was kept so far."""
        return -(-n * (self.drawn or 1) // ((self.kept or 1) * self.block))

    def _make(self, number: int) -> np.ndarray:
        """A block's stored rows (block, width)."""
        with torch.inference_mode():
            return torch.cat([self.gan.sample(*asked) for asked in self._asked(number)]).numpy()

    def _asked(self, number: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """What a block is made of, some rows at a time: latents (k, *noise_shape) and conditions (k, spec.given)."""
        seed = mix("rows", self.seed, number)
        codes, chance = self._codes(seed), np.random.default_rng(seed)
        for start in range(0, self.block, PASS):
            some = codes[start : start + PASS]
            yield self.gan.latents(len(some), chance), conditions.hot(self.gan.spec, some)

    def _codes(self, seed: int) -> np.ndarray:
        """Places in a condition (block,), one a row."""
        asked = {wish.field.name for wish in self.wishes} & self.weights.keys()
        if not asked:
            return conditions.chosen(self.gan.spec, self.block, seed)
        rarest = min(sorted(asked), key=lambda name: self.weights[name].sum())
        drawn = np.random.default_rng(mix("given", seed)).random(self.block)
        return conditions.pick(np.cumsum(self.weights[rarest]), drawn) + self.layout.start(rarest)

    def _finish(self, number: int, rows: np.ndarray) -> pd.DataFrame:
        """Of a block's stored rows those that hold all that is asked."""
        import pandas as pd

        rows = rows[self._coded(rows)]
        tested, self.given = None, np.zeros(0, bool)
        scarce = self.drawn >= SOON and self.kept * RARE < self.drawn
        self.near = self.near or (scarce and bool(self.bounds))
        if self.tested and len(rows):
            tested = codec.decode(
                self.tested, self._columns(rows, self.tested), mix("tested", self.seed), number * self.block
            )
            held = self._holds(tested)
            if self.near:
                tested, held, self.given = self._nearest(tested, held, number)
            rows, tested = rows[held], tested[held]
        columns = {} if tested is None else {name: tested[name].array for name in tested}
        if self.others:
            made = codec.decode(self.others, self._columns(rows, self.others), mix("rest", self.seed), self.kept)
            columns |= {name: made[name].array for name in made}
        self.drawn, self.kept = self.drawn + self.block, self.kept + len(rows)
        if self.drawn >= PATIENCE and self.kept * RARE < self.drawn:
            raise SparringError(self._hopeless())
        if not len(rows):
            return pd.DataFrame()
        return pd.DataFrame({field.name: columns[field.name] for field in self.gan.spec.fields}, copy=False)

    def _nearest(
        self, frame: pd.DataFrame, held: np.ndarray, number: int
    ) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
        """Give the numbers that are asked for to the rows that come nearest to them.

        Args:
            frame: a block's columns that are tested.
            held: (n,) bool, which rows hold what is asked already.
            number: of the block.

        Returns:
            The frame with such numbers; (n,) bool, which rows to hand out, at most one in 100; and of these, which
            did not hold what is asked before.
        """
        keys = chance.numbered(number * self.block, len(frame))
        far = sum((nearby.apart(of, frame[of.field.name]) for of in self.bounds), np.zeros(len(frame)))
        frame = frame.assign(**{of.field.name: nearby.moved(of, frame[of.field.name], keys) for of in self.bounds})
        far[~self._holds(frame)] = np.inf
        nearest = np.argsort(far, kind="stable")[: max(self.block // NEAREST, 1)]
        chosen = np.zeros(len(frame), bool)
        chosen[nearest[np.isfinite(far[nearest])]] = True
        return frame, chosen, ~held[chosen]

    @property
    def note(self) -> str:
        """What to say of rows that were given numbers; empty where none was."""
        if not self.moved:
            return ""
        texts = " and ".join(wish.text for of in self.bounds for wish in of.wishes)
        names = " and ".join(of.field.name for of in self.bounds)
        return (
            f"so few of the rows drawn had {texts} that in {self.moved:,} rows {names} was set: in those that came "
            "nearest to it"
        )

    def _weights(self, field: Field) -> np.ndarray:
        """How likely each code (codes,) of a field is, and 0 where it cannot hold what is asked of the field."""
        shares = np.array(field.shares)
        asked = [wish for wish in self.wishes if wish.field.name == field.name]
        if not asked:
            return shares
        allowed = _allowed(asked)
        values = np.array(field.counts) if field.groups else shares[: len(field.values)]
        weights = np.bincount(np.array(field.groups), values * allowed[:-1]) if field.groups else values * allowed[:-1]
        if field.groups:
            weights = weights / np.array(field.counts).sum() * (1 - shares[-1] * field.missing)
        if field.missing:
            weights = np.append(weights, shares[-1] * allowed[-1])
        if not weights.any():
            raise SparringError(f"no row of the data has {_listed(asked)}")
        return weights

    def _narrowed(self, field: Field) -> Field:
        """A wide field draws the values that share a code from those that hold what is asked of it."""
        asked = [wish for wish in self.wishes if wish.field.name == field.name]
        if not asked or not field.groups:
            return field
        return replace(field, counts=tuple((np.array(field.counts) * _allowed(asked)[:-1]).tolist()))

    def _coded(self, rows: np.ndarray) -> np.ndarray:
        """Which stored rows (n, width) have codes that hold what is asked of columns of categories."""
        held = np.ones(len(rows), bool)
        asked = {wish.field.name for wish in self.wishes}
        for at, field in enumerate(self.layout.discrete, 2 * len(self.layout.numbers)):
            if field.name in asked:
                held &= (self.weights[field.name] > 0)[rows[:, at].astype(np.int64)]
        return held

    def _columns(self, rows: np.ndarray, fields: Sequence[Field]) -> np.ndarray:
        """Stored rows of some of the fields, in their own layout."""
        numbers = [field.name for field in self.layout.numbers]
        learnt = [field.name for field in self.layout.learnt]
        part = Layout(fields)
        places = [numbers.index(field.name) for field in part.numbers]
        codes = [len(numbers) + learnt.index(field.name) for field in part.learnt]
        return rows if len(places + codes) == rows.shape[1] else rows[:, places + codes]

    def _holds(self, frame: pd.DataFrame, *, every: bool = False) -> np.ndarray:
        """Which rows of a table keep the rules and hold what is asked: of its values, or of all columns."""
        held = np.ones(len(frame), bool)
        for wish in self.wishes if every else self.left:
            held &= wish.holds(frame[wish.field.name])
        for rule in self.rules:
            held &= rule.holds(frame)
        return held

    def _hopeless(self) -> str:
        what = " and ".join([*(wish.text for wish in self.wishes), *(f"`{rule.text}`" for rule in self.rules)])
        data = self.beside(lambda frame: self._holds(frame, every=True)) if self.beside and self.wishes else ""
        return f"only {self.kept:,} of {self.drawn:,} rows drawn have {what}{data}: ask for less, or train longer"


def _work_alone(others: int) -> None:
    """Let this thread's operations use no thread beside it, and those of threads that begin later `others`, as ever."""
    torch.set_num_threads(1)
    torch.get_num_threads()  # which settles it for this thread
    later = Thread(target=torch.set_num_threads, args=(others,))
    later.start()
    later.join()


def _allowed(asked: Sequence[wishes.Wish]) -> np.ndarray:
    """Which values of a field, and last whether a missing one, hold all that is asked of it."""
    allowed: np.ndarray = np.logical_and.reduce([wish.allowed for wish in asked])
    return allowed


def _listed(asked: Sequence[wishes.Wish]) -> str:
    return " and ".join(wish.text for wish in asked)


def of_run(run: Run, where: wishes.Where = (), seed: int = 0) -> Rows:
    """The rows of a run; where a condition can hardly be met, the run's data is looked at, if it can still be had."""

    def beside(holds: Callable[[pd.DataFrame], np.ndarray]) -> str:
        from sparring.start import source_of

        try:
            frame = read.read(source_of(run))
            return f", as have {int(holds(frame).sum()):,} of the {len(frame):,} rows of {run.data}"
        except (SparringError, KeyError):  # it is gone, or its columns are others now
            return ""

    return Rows(run.gan, where, seed, beside)


def together(rows: Rows, n: int) -> pd.DataFrame:
    """The first n rows in one table, in the types of the user's."""
    import pandas as pd

    made = types.restore(pd.concat(rows.take(n), ignore_index=True), rows.gan.spec.fields)
    if rows.note:
        warnings.warn(rows.note, stacklevel=2)
    return made
