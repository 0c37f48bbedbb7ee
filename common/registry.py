"""Names of what can be chosen, read from source files without importing them.

A command line offers the families, losses and controls that exist. Importing
those modules would import TensorFlow, which takes seconds; reading their
source takes milliseconds, and no name is written twice.
"""

import ast
import difflib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def module_names(package: str, exclude: Iterable[str] = ()) -> tuple[str, ...]:
    """List the modules of a package, in alphabetical order.

    Args:
        package: Dotted name of a package of this project.
        exclude: Names of modules that are not choices, such as `base`.

    Returns:
        Names of the `.py` files that do not start with an underscore.

    Example:
        >>> module_names("gan.networks", exclude=["base"])
        ('dcgan', ...)
    """
    files = (ROOT / package.replace(".", "/")).glob("[!_]*.py")
    return tuple(sorted({file.stem for file in files} - set(exclude)))


def constant(module: str, name: str) -> object:
    """Evaluate a literal assigned to `name` at the top level of a module.

    Args:
        module: Dotted name of a module of this project.
        name: A name assigned to a literal (number, string, tuple, dict, ...).

    Returns:
        The literal, or None if the module does not assign `name`.
    """
    value = _assigned(module, name)
    return None if value is None else ast.literal_eval(value)


def table_keys(module: str, table: str) -> tuple[str, ...]:
    """List the keys of a dictionary literal assigned at the top level of a module.

    Args:
        module: Dotted name of a module of this project.
        table: Name of the dictionary. Its keys are string literals.

    Raises:
        LookupError: The module has no such dictionary.

    Example:
        >>> table_keys("common.losses.penalties", "PENALTIES")
        ('r1', 'r2', 'r1_r2', 'wgan_gp')
    """
    value = _assigned(module, table)
    if not isinstance(value, ast.Dict):
        raise LookupError(f"{module} has no dictionary {table}")
    return tuple(ast.literal_eval(key) for key in value.keys)


def did_you_mean(name: str, known: Iterable[object]) -> str:
    """Suggest the known names nearest to an unknown one.

    Returns:
        Text to append to an error message, empty if no name is near.

    Example:
        >>> did_you_mean("hing", ["hinge", "minimax"])
        '; did you mean hinge?'
    """
    near = difflib.get_close_matches(name, list(map(str, known)), n=3, cutoff=0.5)
    return f"; did you mean {', '.join(near)}?" if near else ""


def _assigned(module: str, name: str) -> ast.expr | None:
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.value
    return None
