"""One script out of a page's modules, so that the page is one file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

IMPORT = re.compile(r'^import \{([\w\s,]+)\} from "(\.[^"]+)";\n', re.MULTILINE)
DECLARATION = re.compile(
    r"^(export )?(?:async function|function|class|const|let) (\w+)", re.MULTILINE
)
NOT_UNDERSTOOD = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def bundled(entry: str, read: Callable[[str], str]) -> str:
    """Put a module and all that it imports into one scope, each one before those that import it.

    Args:
        entry: The module's path, with slashes.
        read: Gives a module's text by its path.

    Raises:
        ValueError: Modules import one another in a circle, a name is not exported, two modules
            declare the same name, or one imports or exports otherwise than by name.
    """
    texts: dict[str, str] = {}
    _collect(entry, read, texts, ())
    _check_names(texts)
    return "\n".join(_stripped(path, text) for path, text in texts.items())


def _collect(
    path: str, read: Callable[[str], str], texts: dict[str, str], users: tuple[str, ...]
) -> None:
    """Add a module's text, after those of the modules that it imports."""
    if path in users:
        raise ValueError(f"Modules import in a circle: {' -> '.join((*users, path))}.")
    if path not in texts:
        text = read(path)
        for source, _ in _imports(path, text):
            _collect(source, read, texts, (*users, path))
        texts[path] = text


def _imports(path: str, text: str) -> Iterator[tuple[str, list[str]]]:
    """The modules that a module imports, and the names it takes from each."""
    for names, source in IMPORT.findall(text):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), source))
        yield target, re.findall(r"\w+", names)


def _check_names(texts: dict[str, str]) -> None:
    """Every imported name is exported, and none is declared twice: they will share one scope."""
    owners: dict[str, str] = {}
    for path, text in texts.items():
        for source, names in _imports(path, text):
            exported = {name for export, name in DECLARATION.findall(texts[source]) if export}
            for name in names:
                if name not in exported:
                    raise ValueError(f"{path} imports {name}, which {source} does not export.")
        for _, name in DECLARATION.findall(text):
            if owners.setdefault(name, path) != path:
                raise ValueError(f"{path} and {owners[name]} both declare {name}.")


def _stripped(path: str, text: str) -> str:
    """A module without its imports and exports."""
    plain = DECLARATION.sub(lambda found: found[0].removeprefix("export "), IMPORT.sub("", text))
    if found := NOT_UNDERSTOOD.search(plain):
        raise ValueError(f"{path}: only names can be imported and exported, not {found[0]!r}.")
    return plain
