"""The rules of the house: who imports whom, how files are named, how the project speaks."""

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from common import registry

ROOT = Path(__file__).resolve().parent.parent
OPTIONAL = {"cv2", "imageio_ffmpeg", "sklearn", "torch"}  # used where they are installed
ALLOWED = {
    "common": {"common"},
    "gan": {"common", "gan"},
    "style_transfer": {"common", "style_transfer"},
    "experiments": {"common", "experiments", "gan", "style_transfer"},
}
MODULES = sorted(path for package in ALLOWED for path in (ROOT / package).rglob("*.py"))
SOURCES = sorted([*MODULES, *(ROOT / "tests").rglob("*.py")])
TEXTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", *(f"{package}/**/*.md" for package in ALLOWED))
    for path in ROOT.glob(pattern)
)
LONGEST = 300  # lines
MOST_POSITIONAL = 6
SPEED_ONLY = ("raw" + "_ops", "jit" + "_compile", "custom" + "_gradient")
SHARED_NAMES = {  # file names that occur more than once, with the one meaning they have
    "__init__": "a package",
    "__main__": "a package's command line",
    "base": "the contract that the files beside it keep",
    "build": "from a configuration to objects",
    "checkpoints": "the exact state of a run, and the callback that saves it",
    "config": "the dataclasses of a configuration",
    "plan": "what a run does, resolved once",
    "train": "a command line that trains",
    "validation": "what is checked before TensorFlow is imported",
}
NEVER = {  # in two pieces, so that this file does not break its own rule
    "so m" + "any": r"\bso m" + r"any(th)?\b",
    "ali" + "ke": r"\bali" + r"ke\b",
    "of its" + " own": r"\bof its" + r" own\b",
    "goes" + " on": r"\bgoes" + r" on\b",
    "what ... is" + " told": r"\bwhat\b[^.:;]{1,60}\b(is|are)" + r" told\b",
    "looks" + " at": r"\blooks" + r" at\b",
    "by he" + "art": r"\bby he" + r"art\b",
    "in bu" + "rsts": r"\bin bu" + r"rsts\b",
    "where there are" + " any": r"\bwhere there (are|is)" + r" any\b",
    "averaged" + "_generator": r"\baveraged" + r"_generator\b",
    "real" + "_sign": r"\breal" + r"_sign\b",
    "real" + " side": r"\breal" + r" side\b",
    "kernel" + " distance": r"\bkernel" + r" distance\b",
    "sick" + "ness": r"\bsick" + r"ness",
}


def name_of(path):
    return str(path.relative_to(ROOT))


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def nodes(tree):
    """Yield all nodes except those that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from nodes(node)


def imported(path):
    """Yield (module, name or None) of every import, also those inside functions."""
    for node in nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from ((node.module, alias.name) for alias in node.names)


def imported_packages(path):
    return {module.split(".")[0] for module, _ in imported(path)}


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_run_one_way(package):
    for path in (ROOT / package).glob("**/*.py"):
        ours = imported_packages(path) & ALLOWED.keys()
        assert ours <= ALLOWED[package], path


def test_no_circle_between_files():
    known = {module_of(path): path for path in MODULES}
    graph = defaultdict(set)
    for module, path in known.items():
        for target, name in imported(path):
            found = f"{target}.{name}" if f"{target}.{name}" in known else target
            if found in known:
                graph[module].add(found)
    done = set()

    def visit(module, trail):
        if module in trail:
            circle = [*trail[trail.index(module) :], module]
            pytest.fail(" -> ".join(circle))
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, [*trail, module])
            done.add(module)

    for module in known:
        visit(module, [])


def test_the_requirements_name_what_is_imported():
    required = (ROOT / "requirements.txt").read_text()
    names = {"PIL": "pillow", "tensorflow_datasets": "tensorflow-datasets", "keras": "tensorflow"}
    for path in MODULES:
        for name in imported_packages(path) - ALLOWED.keys() - sys.stdlib_module_names - OPTIONAL:
            assert names.get(name, name) in required, f"{path}: {name}"


def test_no_file_is_long():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    found = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > LONGEST]
    assert not found, "\n".join(["", *found])


def test_what_serves_speed_only_lives_in_common_fast():
    rooms = (ROOT / "common" / "fast", ROOT / "tests" / "common" / "fast")
    found = [
        f"{name_of(path)}: {word}"
        for path in SOURCES
        if not any(path.is_relative_to(room) for room in rooms)
        for word in SPEED_ONLY
        if re.search(rf"\b{word}\b", path.read_text())
    ]
    assert not found, "\n".join(["", *found])


def test_everything_public_has_a_docstring():
    missing = []
    for path in MODULES:
        tree = ast.parse(path.read_text())
        public = [
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        ]
        missing += [] if ast.get_docstring(tree) else [name_of(path)]
        missing += [
            f"{name_of(path)}: {node.name}" for node in public if not ast.get_docstring(node)
        ]
    assert not missing, "\n".join(["", *missing])


def test_first_lines_of_docstrings_are_sentences():
    wrong = []
    for path in MODULES:
        tree = ast.parse(path.read_text())
        named = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        for node in [tree, *named]:
            first = (ast.get_docstring(node) or "It has none.").splitlines()[0]
            if first[-1] not in ".:?" or len(first.split()) < 2:
                wrong.append(f"{name_of(path)}: {first}")
    assert not wrong, "\n".join(["", *wrong])


def test_no_function_takes_many_positional_parameters():
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
                if len([name for name in names if name not in ("self", "cls")]) > MOST_POSITIONAL:
                    found.append(f"{name_of(path)}: {node.name}")
    assert not found, "\n".join(["", *found])


def test_a_file_name_has_one_meaning():
    """In the house, and among the experiments, which are named after what they measure."""
    places = defaultdict(list)
    for path in MODULES:
        parts = path.relative_to(ROOT).parts
        if "fast" not in parts:  # named as the plain form is
            places[parts[0] == "experiments", path.stem].append(name_of(path))
    found = [
        " ".join(paths)
        for (_, name), paths in places.items()
        if len(paths) > 1 and name not in SHARED_NAMES
    ]
    assert not found, "\n".join(["", *found])


def test_families_of_networks_are_found_by_their_file_names():
    from gan.networks import base

    files = {path.stem for path in (ROOT / "gan" / "networks").glob("[!_]*.py")} - {"base"}
    assert set(base.names()) == files
    for family in files:
        module = f"gan.networks.{family}"
        assert registry.constant(module, "RESOLUTIONS"), family
        tree = ast.parse((ROOT / f"gan/networks/{family}.py").read_text())
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert {"build_generator", "build_discriminator"} <= functions, family


@pytest.mark.parametrize("phrase", NEVER)
def test_the_project_speaks_plain_english(phrase):
    found = []
    for path in (*SOURCES, *TEXTS, ROOT / "Makefile"):
        text = re.sub(r"\s*\n\s*(#\s*)?", " ", path.read_text())
        for match in re.finditer(NEVER[phrase], text, re.IGNORECASE):
            place = text[max(0, match.start() - 30) : match.end() + 20]
            found.append(f"{name_of(path)}: ...{place}...")
    assert not found, "\n".join(["", *found])
