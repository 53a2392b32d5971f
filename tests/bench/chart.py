"""The chart: a panel per comparison, a bar per contender, ours in colour."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as pyplot  # noqa: E402

OURS = "#2f6f4f"
PEER = "#b9c0c7"
INK = "#22272b"


def draw(panels: dict[str, dict[str, float]], machine: str, file: Path):
    heights = [len(bars) for bars in panels.values()]
    matplotlib.rcParams.update({"svg.hashsalt": "owostack", "font.size": 10, "text.color": INK, "axes.labelcolor": INK})
    figure, axes = pyplot.subplots(
        len(panels), 1, figsize=(8, 0.42 * sum(heights) + 1.1 * len(panels)), height_ratios=heights, squeeze=False
    )
    for axis, (title, bars) in zip(axes[:, 0], panels.items()):
        names = list(bars)[::-1]
        colors = [OURS if name.startswith("owo_") else PEER for name in names]
        drawn = axis.barh(names, [bars[name] for name in names], color=colors, height=0.7)
        axis.bar_label(drawn, labels=[f"{bars[name]:,.0f}/s" for name in names], padding=4, color=INK)
        axis.set_title(title, loc="left", fontsize=11, color=INK)
        axis.set_xlim(0, max(bars.values()) * 1.18)
        axis.xaxis.set_visible(False)
        axis.tick_params(left=False, colors=INK)
        for side in axis.spines.values():
            side.set_visible(False)
    figure.supxlabel(f"transactions a second, {machine}", fontsize=9)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None}, facecolor="white")
    pyplot.close(figure)
