"""A plot as a PNG picture, drawn by matplotlib (the extra `plots`)."""

from __future__ import annotations

import io

from watchkeeper.errors import BadInputError
from watchkeeper.scenarios.chart import Chart
from watchkeeper.scenarios.plot_html import rows_of

_LEVEL_COLOURS = ("#9aa0a6", "#f4c430", "#f28c28", "#c1121f")
_INCHES, _DPI = (12.0, 2.0), 100


def png_bytes(chart: Chart) -> bytes:
    """The picture. Raises BadInputError when matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise BadInputError(
            "--out: a .png needs matplotlib, which is not installed (pip install 'watchkeeper[plots]'); "
            ".html needs nothing"
        ) from None
    figure = Figure(figsize=(_INCHES[0], _INCHES[1] * len(chart.panels)), dpi=_DPI, layout="constrained")
    figure.suptitle(chart.title)
    for k, panel in enumerate(chart.panels):
        axes = figure.add_subplot(len(chart.panels), 1, k + 1)
        axes.set_title(panel.title, loc="left", fontsize=9)
        axes.set_xlim(0.0, chart.end_s)
        axes.grid(visible=True, color="#eeeeee")
        for number, line in enumerate(panel.lines):
            for part, stretch in enumerate(line.stretches):
                times, values = [t_s for t_s, _ in stretch], [value for _, value in stretch]
                label = line.label if part == 0 else "_"
                axes.plot(times, values, color=f"C{number}", linewidth=1.0, label=label)
        if any(line.stretches for line in panel.lines):
            axes.legend(loc="upper right", fontsize=7)
        rows = rows_of(panel)
        for band in panel.bands:
            width = max(band.end_s - band.start_s, chart.end_s / 1000)
            axes.barh(rows.index(band.label), width, left=band.start_s, color=_LEVEL_COLOURS[band.level])
        if not panel.lines:
            axes.set_yticks(range(len(rows)), rows)
    figure.axes[-1].set_xlabel("s")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()
