"""Kill train, also of a growing run, evaluate and stylize at random moments; compare what is left.

    python -m experiments.kill --times 100 --seed 0
    python -m experiments.kill --times 20 --only train

Each command runs on tiny settings in another process, which SIGKILL ends: at
a random time, or while a temporary file exists. Then every file must be whole,
and the same command, started again (with --resume for a run), must end with what
an unbroken run made: the same bits of every weight, the same scores, the same
images.
"""

import collections
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common import cli
from common.bounds import bounded, check_bounds
from common.files import SECONDS_TO_LOCK, write_json
from experiments.killing.process import Process, Temporaries
from experiments.killing.subjects import Subject, subjects
from experiments.sweep import choose

PROGRAM = "python -m experiments.kill"


@dataclass(frozen=True)
class Options:
    """Kill commands at random moments and compare what is left with an unbroken run."""

    times: int = bounded(100, 1)
    """Kills of each command."""
    seed: int = bounded(0, 0)
    """Seed of the moments."""
    only: tuple[str, ...] = ()
    """Some of train, grow, evaluate, stylize. Default: all."""
    seconds: float = bounded(180.0, above=0)
    """Time bound of a process."""
    out: Path = Path("runs/kill/report.json")
    """Report, replaced as the campaign runs."""


class Campaign:
    """Kills one command again and again."""

    def __init__(self, subject: Subject, folder: Path, seconds: float):
        """Run the command unbroken, once, to compare with.

        Args:
            subject: The command.
            folder: An empty folder for everything.
            seconds: Time bound of a process.

        Raises:
            RuntimeError: The unbroken run fails.
        """
        self.subject, self.folder, self.seconds = subject, folder, seconds
        self.counts, self.problems = collections.Counter(), collections.Counter()
        self.whole = folder / "whole"
        self.whole.mkdir(parents=True)
        subject.prepare(self.whole)
        process = Process(subject.program, subject.words(self.whole), self.whole)
        watch = Temporaries(self.whole)
        self.duration = process.wait(seconds, lambda elapsed: watch.count() < 0)
        self.temporaries = max(1, watch.count())
        if process.code:
            raise RuntimeError(f"{subject.program}: {process.log.read_text()[-2000:]}")

    def kill_once(self, rng: np.random.Generator) -> list[str]:
        """Run, kill at a random moment, check, start again, compare.

        Returns:
            What is wrong.
        """
        place = self.folder / "broken"
        place.mkdir()
        try:
            self.subject.prepare(place)
            process = Process(self.subject.program, self.subject.words(place), place)
            process.wait(self.seconds, self._moment(rng, place))
            self.counts["killed" if process.code == -signal.SIGKILL else "ended before"] += 1
            problems = self.subject.left(place, self.whole)
            if process.code == -signal.SIGKILL:
                problems += self._start_again(place)
            problems += self.subject.differs(place, self.whole)
        except Exception as error:  # a file that cannot be read is a finding, not our end
            problems = [f"{type(error).__name__}: {error}".replace(str(place), "")]
        finally:
            shutil.rmtree(place)
        self.problems.update(set(problems))
        return problems

    def _moment(self, rng: np.random.Generator, place: Path) -> Callable[[float], bool]:
        """Draw a time, or the number of a temporary file."""
        if rng.random() < 0.5:
            moment = rng.uniform(0.0, self.duration)
            return lambda elapsed: elapsed > moment
        watch, wanted = Temporaries(place), int(rng.integers(self.temporaries)) + 1
        return lambda elapsed: watch.count() >= wanted

    def _start_again(self, place: Path) -> list[str]:
        time.sleep(SECONDS_TO_LOCK)  # much less than a start takes that is not forked
        process = Process(self.subject.program, self.subject.words(place), place)
        process.wait(self.seconds)
        said = process.log.read_text()
        complete = process.code == 2 and "has had its" in said  # killed after its last checkpoint
        if process.code == 0 or complete:
            self.counts["killed at the very end" if complete else "finished by the next start"] += 1
            return []
        return [f"the next start ends with code {process.code}: {said[-300:]}"]

    def report(self) -> dict[str, object]:
        """Summarize for the JSON file."""
        return {
            "seconds_unbroken": round(self.duration, 2),
            "temporaries_unbroken": self.temporaries,
            "counts": dict(self.counts),
            "problems": dict(self.problems),
        }


def campaign(options: Options) -> dict[str, Mapping]:
    """Run the whole campaign and return its report, which is also written.

    Args:
        options: Those of the command line.

    Returns:
        For each command "counts" and "problems" (text to how often).

    Raises:
        InputError: `only` names something else.

    Example:
        >>> campaign(Options(times=2))["train"]["problems"]
        {}
    """
    found: dict[str, Mapping] = {}
    out = options.out.absolute()
    cli.import_tensorflow()
    with tempfile.TemporaryDirectory(prefix="kill-") as name:
        folder = Path(name)
        run = folder / "train" / "whole"
        table = subjects(run)
        chosen = choose("--only", options.only, table)
        with tqdm(total=options.times * len(chosen), desc="kills", smoothing=0.05) as bar:
            if "train" not in chosen:  # what `evaluate` measures
                Campaign(table["train"], folder / "train", options.seconds)
            for subject in chosen:
                rng = np.random.default_rng([options.seed, len(subject)])
                current = Campaign(table[subject], folder / subject, options.seconds)
                for _ in range(options.times):
                    for problem in current.kill_once(rng):
                        tqdm.write(f"{subject}: {problem}", file=sys.stderr)
                    bar.update()
                    found[subject] = current.report()
                    write_json(out, found)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign as the command line says and return 1 if something was wrong."""
    options = cli.parse(Options, PROGRAM, arguments)
    check_bounds(options)
    found = campaign(options)
    for subject, about in found.items():
        print(f"{subject:10} {about['counts']} problems: {about['problems'] or 'none'}")
    print(f"report: {options.out}")
    return int(any(about["problems"] for about in found.values()))


if __name__ == "__main__":
    cli.run(main)
