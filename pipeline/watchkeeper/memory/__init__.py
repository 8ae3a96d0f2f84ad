"""Buffers that the driver writes and the kernel reads, and the ledger of bytes the CPU copied."""
