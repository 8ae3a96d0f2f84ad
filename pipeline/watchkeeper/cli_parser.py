"""The two shapes of a command line's entry, for cli.py and cli_bench.py."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def command(commands: Commands, name: str, text: str, handler: str, json: bool = True) -> argparse.ArgumentParser:
    """A command handled by `watchkeeper.commands.<handler>`, with --json where it reports something."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(handler=f"watchkeeper.commands.{handler}")
    if json:
        parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout")
    return parser


def group(commands: Commands, name: str, text: str) -> Commands:
    """A command that has commands of its own."""
    parser = commands.add_parser(name, help=text, description=text)
    return parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
