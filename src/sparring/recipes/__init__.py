"""Recipes: one file per method in this folder, found by its name; or anybody's file, found by its path.

Listing them reads their first lines as text and imports nothing, so `sparring --help` needs no torch.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sparring.config import Config, nearest
from sparring.errors import SparringError

if TYPE_CHECKING:
    from sparring.gan import GAN

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """A method: its name for folders, what to write in a config to find it again, its GAN and its Config."""

    name: str
    reference: str
    gan: type[GAN]
    config: type[Config]
    summary: str


def names() -> list[str]:
    """The recipes in the package, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def summary(name: str) -> str:
    """The first line of a recipe's text, without importing it."""
    text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0]


def find(reference: str) -> Recipe:
    """A recipe by its name, or by the path of a Python file. SparringError says what is wrong or near."""
    if reference.endswith(".py"):
        module = _load_file(Path(reference))
        name, reference = Path(reference).stem, str(Path(reference).resolve())
    elif reference in names():
        module, name = importlib.import_module(f"sparring.recipes.{reference}"), reference
    else:
        known = [*names(), "auto"]  # which stands where a recipe stands, and is none
        raise SparringError(
            f"there is no recipe `{reference}`{nearest(reference, known)} (a file of your own ends in .py)"
        )
    kind = getattr(module, "Config", None)
    if not (isinstance(kind, type) and issubclass(kind, Config)):
        raise SparringError(f"the recipe {reference} must define a dataclass `Config(sparring.config.Config)`")
    first_line = (module.__doc__ or "").strip().split("\n")[0]
    return Recipe(name, reference, _only_gan(module, reference), kind, first_line)


def _only_gan(module: ModuleType, reference: str) -> Any:
    from sparring.gan import GAN

    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, GAN) and value.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise SparringError(f"the recipe {reference} must define exactly one class of GAN; it defines {len(own)}")
    return own[0]


def _load_file(path: Path) -> ModuleType:
    """Import a file from outside the package, as a module whose name follows from its path."""
    if not path.is_file():
        raise SparringError(f"there is no file {path} to read a recipe from")
    name = f"sparring_recipe_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise SparringError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        specification.loader.exec_module(module)
    except Exception as error:  # whatever the user's file raises is theirs to mend
        del sys.modules[name]
        raise SparringError(f"the recipe {path} fails to import: {type(error).__name__}: {error}") from error
    return module
