"""One HTML page about a run, with everything that it shows inside."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from gan.config import FRECHET, SLICED_WASSERSTEIN
from gan.gallery_page import image_sections
from gan.gallery_page import record as records
from gan.gallery_page.charts import line_chart, number_text
from gan.gallery_page.image_sections import Neighbors
from gan.gallery_page.record import Record

GOOD = ("finished", "target", "no progress", "stopped")  # status of a run that ended by itself
CHARTS = (  # title, {name in the legend: metric}
    (
        "Loss",
        {"generator": "loss/generator", "discriminator": "loss/discriminator"},
    ),
    ("Frechet distance", {"EMA generator": FRECHET}),
    ("Sliced Wasserstein distance", {"EMA generator": SLICED_WASSERSTEIN}),
    (
        "Discriminator",
        {"D(real)": "discriminator/real", "D(fake)": "discriminator/fake"},
    ),
    (
        "Balance",
        {
            "accuracy": "discriminator/accuracy",
            "r_t": "discriminator/r_t",
            "r_v": "health/r_v",
        },
    ),
    (
        "Gradient norm",
        {"generator": "gradient_norm/generator", "discriminator": "gradient_norm/discriminator"},
    ),
    ("Images per second", {"training": "speed/images_per_second"}),
)


def render(
    record: Record,
    walk: np.ndarray,
    neighbors: Neighbors | InputError,
    made_by: str,
) -> str:
    """Write the page of a run.

    Args:
        record: What its folder holds.
        walk: Images of an interpolation, as of `drawings.interpolation`.
        neighbors: Samples beside their nearest training images, or why there are
            none.
        made_by: The command that makes this page.

    Returns:
        HTML that refers to no other file.
    """
    title = escape(record.folder.resolve().name)
    here = Path(__file__)
    sections = [
        _section("Samples over time", image_sections.frames_over_time(record.snapshots)),
        _section("Interpolation", image_sections.interpolation(walk)),
        _section("Nearest training images", image_sections.nearest_training_images(neighbors)),
        _section("Metrics", _metrics(record)),
        _section("Evaluation", _evaluation(record.evaluation)),
        _section("Configuration", _configuration(record)),
    ]
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>",
            f"<style>\n{here.with_name('page.css').read_text()}</style>\n</head>\n<body>",
            f"<h1>{title}</h1>",
            _header(record),
            *sections,
            f'<footer class="soft"><p>This page: <code>{escape(made_by)}</code></p></footer>',
            f"<script>\n{here.with_name('page.js').read_text()}</script>\n</body>\n</html>\n",
        ]
    )


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{body}\n</section>" if body else ""


def _header(record: Record) -> str:
    about, summary, spec = record.about, record.summary, record.described.spec
    data, machine = about["data"], about["machine"]
    status = str(summary.get("status", "not ended"))
    reason = summary.get("reason") or "training, or killed; the last checkpoint is shown"
    images = summary.get("images") or max(
        [0, *(row["images"] for row in record.metrics), *(seen for seen, _ in record.snapshots)]
    )
    classes = f", {spec.classes} classes" if spec.classes else ""
    facts = {
        "Dataset": f"{Path(str(data.get('name', record.config.data.dataset))).name}{classes}",
        "Training images": f"{data['images']:,}" if "images" in data else None,
        "Image size": f"{spec.height} x {spec.width} x {spec.channels}",
        "Networks": record.described.family or "given in Python",
        "Images seen": f"{images:,}",
        "Training time": f"{summary['minutes']:.1f} min" if "minutes" in summary else None,
        "Precision": machine.get("precision"),
        **_quality(record),
    }
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in facts.items()
        if value is not None
    )
    kind = "good" if status in GOOD else "bad"
    return (
        f'<p><span class="status {kind}">{escape(status)}</span>: {escape(str(reason))}</p>\n'
        f"{_alarms(summary.get('alarms') or [])}\n"
        f'<dl class="facts">{cells}</dl>\n'
        f"<pre>{escape(records.training_command(record.config))}</pre>"
    )


def _quality(record: Record) -> dict[str, str]:
    values = records.series(record.metrics, FRECHET)
    if not values:
        return {}
    return {"Frechet distance, last": number_text(values[-1][1])}


def _alarms(alarms: Sequence[Mapping[str, Any]]) -> str:
    if not alarms:
        return '<p class="soft">No alarms.</p>'
    rows = "".join(
        f"<li><strong>{escape(str(each.get('failure_mode')))}</strong> at "
        f"{int(each.get('images', 0)):,} images: {escape(str(each.get('advice', '')))}</li>"
        for each in alarms
    )
    return f'<ul class="alarms">{rows}</ul>'


def _metrics(record: Record) -> str:
    drawn = []
    for title, lines in CHARTS:
        points = {
            name: [(x / 1000.0, y) for x, y in records.series(record.metrics, metric)]
            for name, metric in lines.items()
        }
        drawn.append(line_chart(title, points))
    if not any(drawn):
        return '<p class="soft">No metrics were written yet.</p>'
    return f'<div class="charts">{"".join(drawn)}</div>'


def _evaluation(found: Mapping[str, Any]) -> str:
    scores = found.get("scores")
    if not isinstance(scores, Mapping):
        return ""
    rows = {
        name: number_text(value) for name, value in scores.items() if isinstance(value, int | float)
    }
    protocol = found.get("protocol") or {}
    lines = "; ".join(f"{name}: {value}" for name, value in protocol.items())
    return f'<p class="note">{escape(lines)}</p>\n{_table(rows, number=True)}'


def _configuration(record: Record) -> str:
    changed = {
        path: f"{_shown(value)} (preset: {_shown(default)})"
        for path, value, default in records.changes(record.config)
    }
    note = f"Fields that differ from the preset {records.preset_of(record.config)}"
    head = f'<p class="note">{escape(note)}: {"" if changed else "none."}</p>'
    everything = {path: _shown(value) for path, value in records.settings(record.config).items()}
    versions = record.about["machine"].get("versions") or {}
    built = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{head}\n{_table(changed)}\n"
        f"<details><summary>All fields</summary>{_table(everything)}</details>\n"
        f'<p class="note">{escape(built)}</p>'
    )


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _table(rows: Mapping[str, str], number: bool = False) -> str:
    if not rows:
        return ""
    kind = ' class="number"' if number else ""
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td{kind}>{escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table>{cells}</table>"
