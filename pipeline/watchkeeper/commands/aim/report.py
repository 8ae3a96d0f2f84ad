"""The commissioning report: how the mounting ended up, in numbers. Markdown or JSON, by the file's name."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from watchkeeper import __version__
from watchkeeper.commands.aim.mounting import mounting_of
from watchkeeper.commands.aim.session import Session, item_row
from watchkeeper.commands.aim.verdict import Verdict, next_action, overall
from watchkeeper.commands.aim.window import QUANTITIES
from watchkeeper.commands.markdown import table
from watchkeeper.errors import BadInputError
from watchkeeper.files import write_atomically

SUFFIXES = (".json", ".md")


@dataclass(frozen=True, slots=True)
class About:
    """What was commissioned. ended: how the run came to its end. made_utc: ISO 8601."""

    board: str
    source: str
    bus: str
    engine: str
    made_utc: str
    seconds: float
    ended: str


def check_report_path(path: Path) -> None:
    """Raises BadInputError before anything is begun for a name that no report can have."""
    if path.suffix not in SUFFIXES:
        raise BadInputError(f"--report {path}: expected a name that ends in {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise BadInputError(f"--report {path}: expected an existing folder to write into")


def report(session: Session, about: About) -> dict[str, Any]:
    """Everything, for JSON: verdicts and medians of the last two seconds."""
    window, setup = session.window, session.setup
    newest = window.newest
    spreads = {name: window.spread(name) for name in QUANTITIES}
    found = mounting_of([reading.pose for reading in window.readings if reading.pose is not None])
    return {
        "report": "commissioning",
        "version": __version__,
        **asdict(about),
        "drive": setup.side,
        "geometry": setup.geometry,
        "picture": None if newest is None else [newest.width_px, newest.height_px],
        "verdict": overall(session.items).value,
        "action": next_action(session.items),
        "items": [item_row(item) for item in session.items],
        "readings": len(window.readings),
        "face_share": None if window.face_share is None else round(window.face_share, 3),
        "measured": {
            name: None if s is None else {k: round(v, 2) for k, v in asdict(s).items()} for name, s in spreads.items()
        },
        "mounting": None
        if found is None
        else {
            "R_vehicle_to_camera": [[round(v, 6) for v in row] for row in found.rotation.tolist()],
            "position_mm": [round(v, 1) for v in found.position_mm.tolist()],
            "spread_deg": round(found.spread_deg, 2),
            "spread_mm": round(found.spread_mm, 1),
            "samples": found.samples,
            "steady": found.steady,
        },
        "bus_said": session.causes,
    }


def markdown(made: dict[str, Any]) -> str:
    """The same to read and to sign."""
    facts = ("made_utc", "board", "source", "bus", "engine", "geometry", "drive", "picture", "seconds", "ended")
    rows = [(row["item"], row["verdict"], row["found"], row["action"]) for row in made["items"]]
    numbers = [
        (name, *(("-",) * 4 if s is None else (s["median"], s["low"], s["high"], s["n"])))
        for name, s in made["measured"].items()
    ]
    parts = [
        f"# Commissioning report: {made['verdict']}",
        f"watchkeeper {made['version']}. Numbers only: no picture was stored or sent.",
        table(("what", "is"), [(name, str(made[name])) for name in facts]),
        "## Items",
        f"Next: {made['action'] or 'nothing'}",
        table(("item", "verdict", "found", "do"), rows),
        "## Measured in the last two seconds",
        f"{made['readings']} pictures; of those in which it was looked for, a face in {_share(made['face_share'])}.",
        table(("quantity", "median", "low", "high", "n"), [tuple(map(str, row)) for row in numbers]),
        "## Mounting, from a face that looks straight ahead",
        _mounting(made["mounting"]),
        "## The bus said",
        ", then ".join(made["bus_said"]) or "nothing",
        "## Signed\n\nVehicle: ____________  Fitted by: ____________  Date: ____________",
    ]
    return "\n\n".join(parts) + "\n"


def _share(share: float | None) -> str:
    return "none" if share is None else f"{share:.0%}"


def _mounting(found: dict[str, Any] | None) -> str:
    if found is None:
        return "No face was measured."
    still = "steady" if found["steady"] else "NOT steady: do not use it"
    return (
        f"{found['samples']} pictures, {still}: within {found['spread_deg']} deg and {found['spread_mm']} mm. The "
        "origin is the middle between this driver's eyes; the distance is that of an average face, from which people's "
        "differ by 5 to 10 %. For the vehicle's geometry file:\n\n"
        f"```toml\n[mounting]\nR_vehicle_to_camera = {found['R_vehicle_to_camera']}\n"
        f"position_mm = {found['position_mm']}\n```"
    )


def write_report(path: Path, made: dict[str, Any]) -> None:
    """Whole or not at all. Raises BadInputError."""
    write_atomically(path, markdown(made) if path.suffix == ".md" else json.dumps(made, indent=1) + "\n")


def passed(made: dict[str, Any]) -> bool:
    """Whether nothing failed and nothing was left unknown."""
    return made["verdict"] in (Verdict.PASS.value, Verdict.WARN.value)
