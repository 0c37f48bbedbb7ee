"""Throw random inputs at the command lines: no traceback, hang, lost file or NaN may come out.

    python -m experiments.fuzz --cases 10000 --seed 0
    python -m experiments.fuzz --seed 0 --first 1234 --cases 1     one case again

Images of every format, mode and damage, names of any bytes, folders with links
and loops, numbers out of range, arrays, archives and torn runs. Case N of a seed
is always the same. The command lines run in this process, without a network. Most
cases end where TensorFlow would be imported; a few train, sample, measure or
paint something tiny. A failure is reported with its seed and with the shortest
command line that still fails.
"""

import collections
import dataclasses
import faulthandler
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common import cli
from common.bounds import bounded, check_bounds
from common.files import write_json
from experiments import processes
from experiments.fuzzing import kinds
from experiments.fuzzing.case import Case, World
from experiments.fuzzing.watch import Bounds, Outcome, observe

PROGRAM = "python -m experiments.fuzz"
EXAMPLES = 3  # of each failure, in the report
HARD = 3.0  # times the bound after which a case that does not listen ends the process
SAVE_EVERY = 500  # cases between two reports


@dataclass(frozen=True)
class Options:
    """Throw random inputs at the command lines and report what they break."""

    cases: int = bounded(10000, 1)
    """Number of cases."""
    seed: int = bounded(0, 0)
    """Seed of the campaign."""
    first: int = bounded(0, 0)
    """Number of the first case, to repeat one."""
    heavy: float = bounded(0.02, 0, 1)
    """Fraction of cases that train, sample, measure or paint."""
    seconds: float = bounded(20.0, above=0)
    """Time bound of a case; six times as much for a heavy one."""
    megabytes: float = bounded(1500.0, above=0)
    """Memory bound of a case, above what the process has before it."""
    shrink: bool = True
    """Shorten the command lines of failures."""
    only: tuple[str, ...] = ()
    """Kinds of cases to run; the others are skipped. Default: all."""
    out: Path = Path("runs/fuzz/report.json")
    """Report, replaced as the campaign runs."""


class Campaign:
    """Runs cases one after the other and collects what fails."""

    def __init__(self, options: Options, world: World, folder: Path):
        """Begin a campaign.

        Args:
            options: Those of the command line.
            world: What cases copy from.
            folder: Each case gets a new folder in it.
        """
        self.options, self.world, self.folder = options, world, folder
        self.counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
        self.failures: dict[str, dict] = {}
        self.seconds = 0.0

    def run(self, number: int) -> None:
        """Run case `number` of the seed and keep its failure, if it fails."""
        started = time.perf_counter()
        case, outcome = self._once(number)
        if case is None:
            return
        answer = "failed" if outcome.problems else f"exit code {outcome.code}"
        self.counts[case.kind][answer] += 1
        if outcome.problems:
            self._keep(number, case, outcome)
        self.seconds += time.perf_counter() - started

    def _once(
        self, number: int, arguments: Sequence[str] | None = None
    ) -> tuple[Case | None, Outcome | None]:
        """Make and run one case, with other words if given; None for a kind that is left out."""
        rng = np.random.default_rng([self.options.seed, number])
        place = self.folder / "case"
        place.mkdir()
        try:
            case = kinds.make(rng, self.world, place, self.options.heavy)
            if self.options.only and case.kind not in self.options.only:
                return None, None
            if arguments is not None:
                case = dataclasses.replace(case, arguments=list(arguments))
            seconds = self.options.seconds * (6 if case.heavy else 1)
            crash = self.options.out.with_suffix(".crash").open("w")
            crash.write(f"case {number} of seed {self.options.seed}: {case.arguments!a}\n")
            crash.flush()
            faulthandler.enable(crash)
            faulthandler.dump_traceback_later(HARD * seconds, exit=True, file=crash)
            outcome = observe(case, place, Bounds(seconds, self.options.megabytes))
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()
            crash.close()
            return case, outcome
        finally:
            shutil.rmtree(place)

    def _keep(self, number: int, case: Case, outcome: Outcome) -> None:
        for problem in set(outcome.problems):
            key = f"{case.program}: {problem}"
            key = re.sub(r"\d+ (MB|lines)", r"N \1", key)
            known = self.failures.setdefault(key, {"count": 0, "examples": []})
            known["count"] += 1
            if len(known["examples"]) >= EXAMPLES:
                continue
            words = case.arguments
            if self.options.shrink and not known["examples"]:
                words = self._shrink(number, case, problem)
            example = {
                "case": number,
                "kind": case.kind,
                "command": [case.program, *words],
                "environment": dict(case.environment),
                "err": outcome.err[-600:],
                "trace": outcome.trace[-2500:],
                "seconds": round(outcome.seconds, 2),
            }
            known["examples"].append(_printable(example))
            tqdm.write(f"case {number}: {_printable(key)}", file=sys.stderr)

    def _shrink(self, number: int, case: Case, problem: str) -> list[str]:
        """Leave out flags while the same problem stays."""
        words = list(case.arguments)
        starts = [place for place, word in enumerate(words) if word.startswith("--")]
        for start in reversed(starts):
            end = min((place for place in starts if place > start), default=len(words))
            shorter = words[:start] + words[end:]
            if words[start].startswith("--cache-dir"):
                continue  # the default lies outside the case's folder
            _, outcome = self._once(number, shorter)
            if problem in outcome.problems:
                words = shorter
                starts = [place for place, word in enumerate(words) if word.startswith("--")]
        return words

    def report(self) -> dict[str, object]:
        """Summarize the campaign for its JSON file."""
        done = sum(sum(counts.values()) for counts in self.counts.values())
        return {
            "seed": self.options.seed,
            "first": self.options.first,
            "cases": done,
            "seconds": round(self.seconds, 1),
            "failed": sum(counts["failed"] for counts in self.counts.values()),
            "kinds": {kind: dict(counts) for kind, counts in sorted(self.counts.items())},
            "failures": self.failures,
        }


def _printable(value: object) -> object:
    """Replace bytes that are not UTF-8, in nested values, so that they can be written."""
    if isinstance(value, dict):
        return {key: _printable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_printable(each) for each in value]
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return value


def campaign(options: Options) -> dict[str, object]:
    """Run a campaign and return its report, which is also written.

    Args:
        options: Those of the command line.

    Returns:
        "cases", "seconds", "failed", "kinds" (kind to counts of exit codes) and
        "failures" (problem to its count and examples).

    Example:
        >>> campaign(Options(cases=200, heavy=0.0))["failed"]
        0
    """
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options = dataclasses.replace(options, out=options.out.absolute())
    cli.import_tensorflow()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        with processes.quietly():
            world = World.make(folder / "world")
        current = Campaign(options, world, folder)
        numbers = range(options.first, options.first + options.cases)
        with tqdm(numbers, desc="cases", smoothing=0.02, unit="case") as bar:
            for number in bar:
                current.run(number)
                if number % SAVE_EVERY == SAVE_EVERY - 1:
                    write_json(options.out, current.report())
                    bar.set_postfix(failed=current.report()["failed"])
    write_json(options.out, current.report())
    options.out.with_suffix(".crash").unlink(missing_ok=True)
    return current.report()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign as the command line says and return 1 if a case failed."""
    options = cli.parse(Options, PROGRAM, arguments)
    check_bounds(options)
    found = campaign(options)
    for kind, counts in found["kinds"].items():
        print(f"{kind:16} " + ", ".join(f"{name}: {n}" for name, n in sorted(counts.items())))
    for problem, about in found["failures"].items():
        example = about["examples"][0]
        print(f"{about['count']} x {problem}")
        print(
            f"    --seed {options.seed} --first {example['case']} --cases 1: {example['command']}"
        )
    print(f"{found['failed']} of {found['cases']} cases failed in {found['seconds']:.0f} s: "
          f"{options.out}")  # fmt: skip
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    cli.run(main)
