"""How Sphinx makes the site of these pages: `make docs` writes it into build/site."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

# What is described is this checkout, wherever routed-rl is installed.
HOUSE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HOUSE / folder) for folder in ("", "envs", "agents", "docs")]

project = "routed-rl"
author = "The routed-rl developers"
project_copyright = "The routed-rl developers, MIT licence"
version = release = installed("routed-rl")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "docstrings",
]
exclude_patterns = ["_build"]
# No request leaves a page: neither fonts nor scripts nor other sites' inventories.
html_theme = "furo"
html_title = "routed-rl"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
# A summary would be fetched, which browsers refuse for pages from the file system.
html_show_search_summary = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6b57", "color-brand-content": "#0b6b57"},
    "dark_css_variables": {"color-brand-primary": "#5fd0b5", "color-brand-content": "#5fd0b5"},
    "navigation_with_keys": True,
}
pygments_style = "friendly"
pygments_dark_style = "monokai"
highlight_language = "none"

myst_enable_extensions = ["colon_fence", "deflist", "attrs_block"]
myst_heading_anchors = 3

# In docstrings a word between backticks is a public name, or else just code.
default_role = "py:obj"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autodoc_type_aliases = {
    name: name for name in ("Belief", "Relabel", "Responsibilities", "Steering")
}
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_attr_annotations = True
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"


def setup(app: Any) -> None:
    """Write the page of the explorer that a guide embeds, with the policy of `make demo`."""
    app.connect("build-finished", write_explorer)


def write_explorer(app: Any, failure: Exception | None) -> None:
    """Show the policy with the explorer of this checkout, unless nothing was built."""
    if failure is None and app.builder.format == "html":
        import routed_rl

        policy = HOUSE / "docs" / "demo.safetensors"
        routed_rl.explore(policy, out=Path(app.outdir) / "_static" / "explorer.html")
