"""Subcommands of the command line, one file each: read arguments, call the stages, print. `cli` imports them lazily."""
