"""What the report says of sequences: the verdict, and each score beside its baselines."""

from __future__ import annotations

from html import escape
from typing import Any

from sparring.evaluate_sequences import HEADS, READING
from sparring.report_cards import text
from sparring.report_tables import listed, numbers


def is_sequences(evaluation: dict[str, Any]) -> bool:
    """Whether an evaluation is `sparring evaluate`'s of sequences."""
    protocol = evaluation.get("protocol")
    return isinstance(protocol, dict) and protocol.get("kind") == "sequences"


def sequence_words(evaluation: dict[str, Any]) -> str:
    """The verdict, the scores with how to read them, and how they were measured."""
    verdict = "".join(f"<li>{escape(text(said))}</li>" for said in listed(evaluation.get("verdict")))
    notes = "".join(f"<li>{escape(text(note))}</li>" for note in listed(evaluation.get("notes")))
    heads = {arm: name[0].upper() + name[1:] for arm, name in HEADS.items()}
    return (
        (f'<ul class="verdict">{verdict}</ul>' if verdict else "")
        + numbers(evaluation.get("metrics"), heads, READING)
        + f'<p class="dim">{escape(_protocol(evaluation["protocol"]))}</p>'
        + (f'<ul class="notes">{notes}</ul>' if notes else "")
    )


def _protocol(protocol: dict[str, Any]) -> str:
    counts = {
        "fake": "sequences made",
        "real": f"real ({text(protocol.get('split'))})",
        "training": "learnt from",
        "rounds": "rounds of each network that judges",
    }
    said = [f"{text(protocol[key])} {words}" for key, words in counts.items() if key in protocol]
    return " · ".join([*said, *([f"seed {text(protocol['seed'])}"] if "seed" in protocol else [])])
