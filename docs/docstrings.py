"""Docstrings on their way to the API pages: what Sphinx does not read as it is written.

Environments describe themselves in Markdown, as Gymnasium's do; shapes have stars, `[B, *shape]`;
and a configuration's fields have bounds, which help shows and a signature would only bury.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from typing import Any

from sphinx.application import Sphinx
from sphinx.domains.python import PyClasslike
from sphinx.util.typing import stringify_annotation

import routed_agents
import routed_envs
import routed_rl

LONG = 6
"""A record of more fields has no signature: its fields are listed with their defaults instead."""
STAR = re.compile(r"(?<=[\[ ,(])\*(?=\w+[\],)])")
"""The star of a shape, which begins no emphasis."""
PUBLIC = {
    name
    for package in (routed_envs, routed_agents, routed_rl)
    for name in package.__all__
    if name[0].isupper()
}
"""Names that are linked from every package, wherever they are at home."""
NAME = re.compile(r"(?<![`:\w])`(\w+)`(?![`_])")
FIELD = re.compile(r"^( {4})(\w+): ")


def restructured(lines: list[str]) -> list[str]:
    """Markdown headings and blocks of code as reStructuredText, and shapes without emphasis."""
    out: list[str] = []
    fenced = False
    for line in lines:
        if line.startswith("```"):
            out += [] if fenced else ["", f".. code-block:: {line[3:] or 'none'}", ""]
            fenced = not fenced
        elif fenced:
            out.append(f"    {line}")
        elif line.startswith("## "):
            out += ["", f".. rubric:: {line[3:]}", ""]
        else:
            out.append(NAME.sub(_linked, STAR.sub(r"\\*", line)))
    return out


def _linked(name: re.Match[str]) -> str:
    """A public name between backticks as a link; anything else as it is."""
    return f":py:obj:`.{name[1]}`" if name[1] in PUBLIC else name[0]


def listed_fields(lines: list[str], record: type[Any]) -> list[str]:
    """The lines under `Attributes:` with what each field of a record may be, and its default."""
    fields = {field.name: field for field in dataclasses.fields(record)}
    hints = _hints(record)
    out: list[str] = []
    inside = False
    for line in lines:
        inside = line == "Attributes:" or (inside and (line.startswith("    ") or not line))
        found = FIELD.match(line) if inside else None
        if found and (field := fields.get(found[2])):
            words = "; ".join(filter(None, (_bounds(hints[field.name]), _default(field))))
            words = words.replace("module:object", "``module:object``")
            line = f"    {field.name} ({words}): {line[found.end() :]}"
        out.append(line)
    return out


def _hints(record: type[Any]) -> dict[str, Any]:
    """The types of a record's fields, as they are written where they cannot be looked up."""
    try:
        return typing.get_type_hints(record, include_extras=True)
    except NameError:
        return {field.name: field.type for field in dataclasses.fields(record)}


def _bounds(hint: Any) -> str:
    """What a field may be, in the words of its bounds if it has any, else its type."""
    if isinstance(hint, str):
        return hint
    words = [getattr(bound, "description", None) for bound in getattr(hint, "__metadata__", ())]
    return next(filter(None, words), None) or stringify_annotation(hint, "smart")


def _default(field: dataclasses.Field[Any]) -> str:
    """A field's default in words; nothing if it has to be given, or is a function."""
    none = field.default is dataclasses.MISSING or callable(field.default)
    return "" if none else f"default {field.default!r}"


def _is_long_record(thing: object) -> bool:
    return dataclasses.is_dataclass(thing) and len(dataclasses.fields(thing)) > LONG


def _docstring(
    app: Sphinx, what: str, name: str, thing: Any, options: object, lines: list[str]
) -> None:
    if what == "class" and _is_long_record(thing):
        lines[:] = listed_fields(lines, thing)
    # A property's first line is read as `type: words` wherever it has a colon.
    lines[:] = [""] * (what == "property") + restructured(lines)


def _signature(
    app: Sphinx, what: str, name: str, thing: Any, options: object, arguments: str, returns: str
) -> tuple[str, str] | None:
    return ("", "") if what == "class" and _is_long_record(thing) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls: before its reader of Google's style sees a docstring, we do."""
    for field in PyClasslike.doc_field_types:
        if field.name == "variable":
            field.label = "Fields"
    app.connect("autodoc-process-docstring", _docstring, priority=400)
    app.connect("autodoc-process-signature", _signature)
    return {"parallel_read_safe": True}
