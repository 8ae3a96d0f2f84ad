"""Where pictures come from. `source.open_source(uri)` is the way in; importing the package probes no hardware."""
