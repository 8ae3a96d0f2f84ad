"""watchkeeper: driver monitoring whose only output is a handful of protected CAN signals.

Importing the package imports nothing else: the supervisor process relies on that to start within a second and to run
where numpy, a camera stack or GPU code are absent.
"""

from __future__ import annotations

__version__ = "0.1.0"
