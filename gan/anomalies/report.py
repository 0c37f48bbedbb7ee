"""Results of an anomaly detection: a table, a CSV, heat maps and a picture."""

import csv
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from common import files
from common import images as image_io
from common.errors import printable
from gan.anomalies import conformal
from gan.anomalies.folders import TestSet

EXTREMES = 8  # images at either end of the picture
BRIGHT = 0.999  # share of the calibration images' pixels below the brightest color of a heat map
LONGEST_NAME = 20  # letters below an image of the picture
COLUMNS = ("file", "score", "score_deviation", "p_value", "flagged")


@dataclass(frozen=True)
class Detection:
    """The result of one detector on N test images.

    Attributes:
        calibration: Scores of the calibration images, (n,).
        scores: Scores of the test images, (N,).
        fdr: False discovery rate.
        each_seed: Scores of the test images by every seed, (seeds, N); empty if
            the detector has no seed.
    """

    calibration: np.ndarray
    scores: np.ndarray
    fdr: float
    each_seed: tuple[np.ndarray, ...] = ()

    @property
    def p_values(self) -> np.ndarray:
        """Conformal p-values, (N,)."""
        return conformal.p_values(self.calibration, self.scores)

    @property
    def flagged(self) -> np.ndarray:
        """Images that the procedure of Benjamini and Hochberg flags, bool (N,)."""
        return conformal.benjamini_hochberg(self.p_values, self.fdr)


def summarize(detection: Detection | str, anomalous: np.ndarray | None) -> dict[str, object]:
    """Reduce the result of a detector to numbers.

    Args:
        detection: The result, or why there is none.
        anomalous: The truth, bool (N,); None without labels.

    Returns:
        "flagged"; with labels also "auroc", "auroc_each_seed", "false_share" and
        "found_share". Without a result only "missing".
    """
    if isinstance(detection, str):
        return {"missing": detection}
    if anomalous is None:
        return {"flagged": int(detection.flagged.sum())}
    return {
        "auroc": conformal.auroc(detection.scores, anomalous),
        "auroc_each_seed": [conformal.auroc(each, anomalous) for each in detection.each_seed],
        **conformal.discoveries(detection.flagged, anomalous)._asdict(),
    }


def table(rows: dict[str, dict[str, object]], fdr: float, labelled: bool) -> str:
    """Format the numbers of all detectors.

    Args:
        rows: Name of a detector to its numbers, as `summarize` returns them.
        fdr: False discovery rate.
        labelled: Whether there are labels.

    Returns:
        Aligned lines.
    """
    titles = ["detector", *(["AUROC", "each seed"] if labelled else []), f"flagged at {fdr:g}"]
    titles += ["normal among them", "anomalies found"] if labelled else []
    lines = [titles, *([name, *_cells(row, labelled)] for name, row in rows.items())]
    lines = [line + [""] * (len(titles) - len(line)) for line in lines]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cells(row: dict[str, object], labelled: bool) -> list[str]:
    if "missing" in row:
        return [row["missing"]]
    if not labelled:
        return [str(row["flagged"])]
    each = row["auroc_each_seed"]
    spread = f" ± {np.std(each, ddof=1):.3f}" if len(each) > 1 else ""
    mean = np.mean(each) if each else row["auroc"]
    cells = [
        f"{mean:.3f}{spread}",
        " ".join(f"{one:.3f}" for one in each) or "-",
        str(row["flagged"]),
        f"{100 * row['false_share']:.0f} %",
        f"{100 * row['found_share']:.0f} %",
    ]
    return [("-" if "nan" in cell else cell) for cell in cells]  # images of one kind only


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path`, absent or empty, if the block succeeds.

    Args:
        path: The folder to make.

    Example:
        >>> with whole_folder(Path("results")) as temporary:
        ...     (temporary / "a.csv").write_text("1")
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{files.TEMPORARY}{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        with files.locked(temporary):
            yield temporary
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_csv(path: Path, test: TestSet, detection: Detection, deviations: np.ndarray) -> None:
    """Write one line per image, the least normal first.

    Args:
        path: The file.
        test: The images.
        detection: Scores and p-values.
        deviations: Standard deviation of every score over the draws of the
            encoder's weights, (N,).
    """
    columns = [map(printable, test.names), *([test.kinds] if test.kinds else [])]
    columns += [detection.scores, deviations, detection.p_values, detection.flagged.astype(int)]
    titles = [COLUMNS[0], *(["kind"] if test.kinds else []), *COLUMNS[1:]]
    rows = list(zip(*columns, strict=True))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(titles)
        for place in np.argsort(-detection.scores, kind="stable"):
            writer.writerow([f"{x:.6g}" if isinstance(x, np.floating) else x for x in rows[place]])


def brightest(heat_maps: np.ndarray) -> float:
    """Choose the residual that has the brightest color: few pixels of normal images reach it.

    Args:
        heat_maps: Of the calibration images, (n, H, W).
    """
    return max(float(np.quantile(heat_maps, BRIGHT)), 1e-6)


def colored(heat_map: np.ndarray, top: float) -> np.ndarray:
    """Color a heat map from black over red to white.

    Args:
        heat_map: Residuals, (H, W).
        top: Residual of the brightest color.

    Returns:
        uint8 (H, W, 3).
    """
    colors = matplotlib.colormaps["inferno"](np.clip(heat_map / top, 0.0, 1.0))
    return image_io.from_unit(colors[..., :3])


def write_heat_maps(folder: Path, names: Sequence[str], heat_maps: np.ndarray, top: float) -> None:
    """Write a heat map for every image, under the image's name and .png.

    Args:
        folder: Where.
        names: Paths of the images below their folder.
        heat_maps: (N, H, W).
        top: Residual of the brightest color.
    """
    for name, heat_map in zip(names, heat_maps, strict=True):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image_io.from_array(colored(heat_map, top)).save(path)


def picture(
    test: TestSet,
    detection: Detection,
    reconstructions: np.ndarray,
    heat_maps: np.ndarray,
    top: float,
) -> Figure:
    """Draw the most and the least normal images, their reconstructions and heat maps.

    Args:
        test: The images.
        detection: Scores and p-values.
        reconstructions: uint8 (N, H, W, C).
        heat_maps: (N, H, W).
        top: Residual of the brightest color.
    """
    order = np.argsort(detection.scores, kind="stable")
    count = min(EXTREMES, len(order))
    groups = {"least normal": order[::-1][:count], "most normal": order[:count]}
    figure = Figure(figsize=(1.3 * count + 0.6, 9.0), layout="constrained")
    axes = figure.subplots(6, count, squeeze=False)
    for group, (title, places) in enumerate(groups.items()):
        rows = axes[3 * group : 3 * group + 3]
        for column, place in enumerate(places):
            shown = (
                _opaque(test.images[place]),
                _opaque(reconstructions[place]),
                colored(heat_maps[place], top),
            )
            for axis, image in zip(rows[:, column], shown, strict=True):
                axis.imshow(image, interpolation="nearest")
                axis.set_xticks([])
                axis.set_yticks([])
            flag = "flagged" if detection.flagged[place] else "not flagged"
            caption = f"{_short(test.names[place])}\nscore {detection.scores[place]:.3g}"
            caption += f"\np {detection.p_values[place]:.3g}, {flag}"
            rows[0, column].set_title(caption, fontsize=7)
        for axis, name in zip(rows[:, 0], (title, "reconstruction", "residual"), strict=True):
            axis.set_ylabel(name, fontsize=9)
    return figure


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    figure.savefig(path, dpi=110, format="png")


def _opaque(image: np.ndarray) -> np.ndarray:
    return np.asarray(image_io.from_array(image).convert("RGBA"))


def _short(name: str) -> str:
    r"""The end of a name; a dollar sign would begin a formula."""
    name = printable(name).replace("$", r"\$")
    return name if len(name) <= LONGEST_NAME else f"...{name[-LONGEST_NAME + 3 :]}"
