"""The `[hardware]` table of a board file: what `doctor` holds the machine against. Nothing here is read while driving.

[hardware]
distributions = ["jetpack6"]     # what there is a package for
warm_c = 75                      # from here on doctor warns
hot_c = 85                       # from here on the board slows itself down, by its maker
power_mode = "MAXN"              # Jetson: how nvpmodel's mode begins that the budget is meant for
governor = "performance"         # what keeps the cores' clock where it is
can_driver = "mttcan"            # kernel module of can0
overlays = ["mcp2515-can0"]      # Raspberry Pi: in config.txt
"""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.settings_table import Table

DISTRIBUTIONS = ("bookworm", "trixie", "jetpack6", "jetpack7")


@dataclass(frozen=True, slots=True)
class Hardware:
    """None: this board has no such thing."""

    distributions: tuple[str, ...] = ()
    warm_c: float = 75.0
    hot_c: float = 85.0
    power_mode: str | None = None
    governor: str = "performance"
    can_driver: str | None = None
    overlays: tuple[str, ...] = ()


NO_HARDWARE = Hardware()
"""Of a board whose file says nothing about it."""


def read_hardware(table: Table) -> Hardware:
    """Raises BadInputError naming file, line and field."""
    table.keys_must_be(*Hardware.__slots__)
    distributions = table.texts("distributions")
    for name in distributions:
        if name not in DISTRIBUTIONS:
            raise table.fail("distributions", f"expected some of {', '.join(DISTRIBUTIONS)}, got {name!r}")
    warm_c = table.number("warm_c", 30, 120)

    def optional(key: str) -> str | None:
        return table.text(key) if key in table else None

    return Hardware(
        distributions=distributions,
        warm_c=warm_c,
        hot_c=table.number("hot_c", warm_c, 125),
        power_mode=optional("power_mode"),
        governor=optional("governor") or "performance",
        can_driver=optional("can_driver"),
        overlays=table.texts("overlays") if "overlays" in table else (),
    )
