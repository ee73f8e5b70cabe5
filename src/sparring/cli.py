"""The commands. Nothing here imports torch until a command needs it, so that help and mistakes answer at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

from tyro.conf import Positional, arg

from sparring import __version__, auto, recipes
from sparring.config import Config, check_keys, flags, from_dict, nearest, parse, read_yaml
from sparring.errors import INTERRUPTED, MISTAKE, SparringError

TRAIN_HELP = """usage: sparring train [RECIPE] [DATA] [FILE.yaml ...] [--flags]
       sparring train RECIPE --a FOLDER --b FOLDER [FILE.yaml ...] [--flags]
       sparring train --resume RUN [--steps N]

Train a recipe on data. Without anything: dcgan on digits, which takes about a minute.

  RECIPE      a name that `sparring recipes` lists, or a Python file of your own: ./my_gan.py; or auto, which picks
              a recipe and its settings by the data and by how fast this machine is, and says why
  DATA        pictures: a folder (sub-folders become labels), a .zip, .npz, .npy, IDX file, a .csv of path and label;
              a table: .csv, .tsv, .parquet, .feather, or a database's URL#TABLE;
              or digits, mnist, fashion-mnist, ring. `sparring data DATA` shows what is in it.
  --time, --entity    for sequences: the table's columns of when its rows were, and of whose they are
  --a, --b    for recipes that translate pictures: what to translate, and into what; or as DATA a folder with both in
              it (a/ and b/, or trainA/ and trainB/), one of pictures side by side, or a .csv with the columns a and b
  FILE.yaml   settings, written as in a run's config.yaml; later ones win, and flags win over files
  --resume    go on with a run, to the bit, from its last checkpoint
  --paper     the settings of the recipe's paper wherever you give none yourself; RECIPE --help names them
  --from RUN  start a new run from the networks of another, of the same recipe; --freeze-critic K beside it keeps the
              critic's first K layers as they came

The flags of a recipe:  sparring train RECIPE --help
"""


def train(argv: list[str]) -> None:
    """train a recipe on your data; without more, dcgan on digits"""
    if argv[:1] in (["--help"], ["-h"]):
        print(TRAIN_HELP)
        return
    first_flag = next((i for i, word in enumerate(argv) if word.startswith("-")), len(argv))
    words, rest = argv[:first_flag], argv[first_flag:]
    quiet = bool(os.environ.get("SPARRING_QUIET"))
    if "--resume" in rest or any(word.startswith("--resume=") for word in rest):
        _resume(words, rest, quiet)
        return
    recipe, data, config = _settle(words, rest, "train", quiet)
    from sparring import launch

    launch.train(recipe, data, config, quiet)


def _settle(words: list[str], rest: list[str], command: str, quiet: bool = False) -> tuple[recipes.Recipe, str, Config]:
    """[RECIPE] [DATA] [FILE.yaml ...] and flags -> the recipe, the data and the settings."""
    first_file = next((i for i, word in enumerate(words) if i and word.endswith((".yaml", ".yml"))), 2)
    name, *given = words[:first_file] or ["dcgan"]
    data = given[0] if given else "digits"
    files = {path: _settings(path) for path in words[first_file:]}
    program = f"sparring {command} {name}"
    chooser = auto.Auto(data, auto.early(files, rest, program)) if name == auto.NAME else None
    recipe = chooser.recipe if chooser else recipes.find(name)
    tree: dict[str, Any] = {}
    for path, settings in files.items():
        from_dict(recipe.config, settings, path)  # so that a mistake is blamed on its file
        tree = _merge(tree, settings)
    said, kinds = (chooser.help, ()) if chooser else (recipe.summary, recipe.gan.kinds)
    config = parse(recipe.config, [*flags(tree), *rest], program, said, kinds)
    if config.a is not None and given:
        raise SparringError(f"give either DATA or --a and --b: `{data}` is one too many")
    return recipe, data, chooser.settle(config, [*tree, *auto.named(rest)], quiet) if chooser else config


def _settings(path: str) -> dict[str, Any]:
    """What a YAML file sets; a run's own config.yaml is one."""
    if not path.endswith((".yaml", ".yml")):
        raise SparringError(f"`{path}` is one word too many: after RECIPE and DATA come .yaml files and --flags")
    return {key: value for key, value in read_yaml(path).items() if key not in ("recipe", "data")}


def _merge(first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """Nested dictionaries in one; the second wins."""
    both = dict(first)
    for key, value in then.items():
        nested = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = _merge(both[key], value) if nested else value
    return both


def _resume(words: list[str], rest: list[str], quiet: bool) -> None:
    """`--resume RUN`, and flags that replace the run's own settings."""
    if words:
        raise SparringError("--resume takes the run's own recipe and data: leave out RECIPE and DATA")
    rest = [part for word in rest for part in (word.split("=", 1) if word.startswith("--resume=") else [word])]
    at = rest.index("--resume")
    if at + 1 == len(rest):
        raise SparringError("--resume needs the folder of a run")
    folder, rest = rest[at + 1], rest[:at] + rest[at + 2 :]
    from sparring import launch
    from sparring.config import to_dict
    from sparring.run import Run

    run = Run(folder)
    check_keys(run.recipe.config, run.settings, str(run.folder / "config.yaml"))
    config = parse(run.recipe.config, [*flags(run.settings), *rest], "sparring train --resume RUN", "Go on with a run.")
    changes = {key: value for key, value in to_dict(config).items() if value != run.settings.get(key)}
    launch.resume(folder, changes, quiet)


def sample(argv: list[str]) -> None:
    """draw samples from a run: grids, sweeps, films, files; or find a picture among them"""
    from sparring.sampling import Sample, carry_out

    carry_out(_parse(Sample, argv, "sample"))


def evaluate(argv: list[str]) -> None:
    """how good is a run, against data that it never saw; writes metrics.json and neighbours.png"""
    from sparring.evaluate import Evaluate, carry_out

    carry_out(_parse(Evaluate, argv, "evaluate"))


def apply(argv: list[str]) -> None:
    """run files through a translator: pictures, folders of them, video"""
    from sparring.apply.command import Apply, carry_out

    carry_out(_parse(Apply, argv, "apply"))


def upscale(argv: list[str]) -> None:
    """enlarge pictures, folders of them and video, by a run of super-resolution"""
    from sparring.apply.upscale import Upscale, carry_out

    carry_out(_parse(Upscale, argv, "upscale"))


@dataclass
class Report:
    """Write a run's report.html anew, from what its folder holds."""

    run: Annotated[Positional[str], arg(metavar="RUN")]
    """The run's folder."""
    open: bool = False
    """Open the page in the browser."""


def report(argv: list[str]) -> None:
    """write a run's report.html anew, and say where it is"""
    asked = _parse(Report, argv, "report")
    from sparring.report import write_report

    path = write_report(Path(asked.run))
    print(f"report: {path}")
    if asked.open:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())


def augment(argv: list[str]) -> None:
    """add rows of a table's rare classes, and see on held-out rows whether a classifier gains"""
    from sparring.augmentation import Augment, carry_out

    carry_out(_parse(Augment, argv, "augment"))


@dataclass
class Watch:
    """Show runs on a live page in the browser, on this machine only; needs pip install 'sparring[web]'."""

    folder: Annotated[Positional[str], arg(metavar="FOLDER")] = "runs"
    """A run's folder, or a folder of runs."""
    port: int = 8000
    """Where to listen on 127.0.0.1; the next free one is taken when it is in use."""
    open: bool = False
    """Open the page in the browser."""


def watch(argv: list[str]) -> None:
    """a live page over your runs: losses, metrics, alarms and samples as they come"""
    asked = _parse(Watch, argv, "watch")
    from sparring.web.server import serve

    serve(Path(asked.folder), asked.port, asked.open)


def list_recipes(argv: list[str]) -> None:
    """the methods that there are"""
    _refuse_words(argv, "recipes")
    width = max(map(len, recipes.names()))
    for name in recipes.names():
        print(f"{name:{width}}  {recipes.summary(name)}")
    print(f"{auto.NAME:{width}}  {auto.SUMMARY}")


def data(argv: list[str]) -> None:
    """the data doctor: what is in a data set, and what training would make of it"""
    from sparring.data.examine import Data, carry_out

    carry_out(_parse(Data, argv, "data"))


def plan(argv: list[str]) -> None:
    """what a training run would cost on this machine, measured, without running it"""
    if argv[:1] in (["--help"], ["-h"]):
        print(TRAIN_HELP.replace("sparring train [RECIPE]", "sparring plan [RECIPE]"))
        return
    first_flag = next((i for i, word in enumerate(argv) if word.startswith("-")), len(argv))
    recipe, source, config = _settle(argv[:first_flag], argv[first_flag:], "plan")
    from sparring.start import plan_run

    for line in plan_run(recipe, source, config):
        print(line)


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "train": train,
    "sample": sample,
    "apply": apply,
    "upscale": upscale,
    "evaluate": evaluate,
    "report": report,
    "augment": augment,
    "watch": watch,
    "plan": plan,
    "data": data,
    "recipes": list_recipes,
}


def _parse(kind: type[Any], argv: list[str], command: str) -> Any:
    import tyro

    from sparring.helping import is_asked, readable

    return tyro.cli(
        readable(kind) if is_asked(argv) else kind, args=argv, prog=f"sparring {command}", description=kind.__doc__
    )


def _refuse_words(argv: list[str], command: str) -> None:
    if argv and argv[0] not in ("-h", "--help"):
        raise SparringError(f"`sparring {command}` takes nothing; it was given {' '.join(argv)}")


def _help() -> str:
    lines = [f"  {name:9} {(command.__doc__ or '').strip()}" for name, command in COMMANDS.items()]
    return (
        f"Sparring {__version__}: train, judge and ship generative adversarial networks.\n\n"
        "usage: sparring COMMAND ...   (sparring COMMAND --help explains one)\n\n" + "\n".join(lines) + "\n\n"
        "start here:\n"
        "  sparring train                        a DCGAN learns handwritten digits, in about a minute\n"
        "  sparring data photos/                 is my data fit to train on?\n"
        "  sparring train dcgan photos/          train on it\n"
        "  sparring sample runs/dcgan-photos-1   see what it makes\n"
        "  sparring evaluate runs/dcgan-photos-1 how good is it?\n"
        "  sparring watch                        see the two networks fight, live"
    )


def main() -> NoReturn:
    """Run a command; a user's mistake ends in one sentence and exit status 2, never in a traceback."""
    try:
        _run(sys.argv[1:])
        status = 0
    except SparringError as error:
        print(f"sparring: {error}", file=sys.stderr)
        status = MISTAKE
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:  # `sparring recipes | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    if "RANK" in os.environ:
        # One of several processes: all is written, and torch's background threads now and then abort an orderly exit
        # ("terminate called without an active exception"), which the launcher would take for a crash.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _run(argv: list[str]) -> None:
    if not argv or argv[0] in ("-h", "--help"):
        print(_help())
    elif argv[0] == "--version":
        print(__version__)
    elif argv[0] not in COMMANDS:
        raise SparringError(f"there is no command `{argv[0]}`{nearest(argv[0], list(COMMANDS))}")
    else:
        COMMANDS[argv[0]](argv[1:])
