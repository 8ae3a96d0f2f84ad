"""`aim`: help with mounting a camera, and the report that says how it ended up. docs/aim.md."""
