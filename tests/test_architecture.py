"""Imports run one way: experiments -> gan, style_transfer -> common."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OPTIONAL = {"torch"}  # measured beside ours where it is installed
ALLOWED = {
    "common": {"common"},
    "gan": {"common", "gan"},
    "style_transfer": {"common", "style_transfer"},
    "experiments": {"common", "experiments", "gan", "style_transfer"},
}


def imported_packages(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_run_one_way(package):
    for path in (ROOT / package).glob("**/*.py"):
        ours = set(imported_packages(path)) & ALLOWED.keys()
        assert ours <= ALLOWED[package], path


def test_the_requirements_name_what_is_imported():
    required = (ROOT / "requirements.txt").read_text()
    names = {"PIL": "pillow", "tensorflow_datasets": "tensorflow-datasets", "keras": "tensorflow"}
    standard = __import__("sys").stdlib_module_names
    for package in ALLOWED:
        for path in (ROOT / package).glob("**/*.py"):
            for name in set(imported_packages(path)) - ALLOWED.keys() - standard - OPTIONAL:
                assert names.get(name, name) in required, f"{path}: {name}"
