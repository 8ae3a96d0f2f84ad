"""The process that owns the bus: standard library, python-can, and our mailbox, board, types and clock only."""
