"""How the documentation site is built (scripts/build_docs.sh): the Markdown of docs/ as it is, and an API reference."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from ablatrix.version import __version__

DOCS = Path(__file__).parent
ROOT = DOCS.parent
SOURCE = "https://github.com/ablatrix/ablatrix/blob/main/"
PUBLIC = ("ablatrix", "ablatrix.plugin", "ablatrix.testing")
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(?=[)#])")

project = "ablatrix"
author = "The ablatrix authors"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
exclude_patterns = ["README.md"]  # index.md includes it
source_suffix = {".md": "markdown"}
highlight_language = "text"

myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"exclude-members": "model_config"}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"ablatrix {__version__}"
html_copy_source = False
html_show_copyright = False


def lead_links_home(_: Sphinx, docname: str, source: list[str]) -> None:
    """Turn links that leave docs/, which hold in a checkout, into links to the repository.

    Links to docs/README.md lead to the first page.

    Raises:
        ExtensionError: A link leads to no file.
    """
    page = DOCS / f"{docname}.md"

    def lead(link: re.Match[str]) -> str:
        target = (page.parent / link[1]).resolve()
        if not target.exists():
            raise ExtensionError(f"{page}: the link {link[1]} leads to no file")
        if target == DOCS / "README.md":
            return "/index.md"
        inside = target.is_relative_to(DOCS) and target.is_file()
        return link[1] if inside else SOURCE + target.relative_to(ROOT).as_posix()

    source[0] = LINK.sub(lead, source[0])


def write_reference(_: Sphinx, docname: str, source: list[str]) -> None:
    """Add the public modules that there are to the page ``api``."""
    if docname != "api":
        return
    for module in filter(find_spec, PUBLIC):
        options = ":members:\n:imported-members:\n:undoc-members:\n:show-inheritance:"
        source[0] += f"\n## `{module}`\n\n```{{eval-rst}}\n.. automodule:: {module}\n"
        source[0] += "".join(f"   {option}\n" for option in options.splitlines()) + "```\n"


def setup(app: Sphinx) -> None:
    """Connect the handlers."""
    app.connect("source-read", lead_links_home)
    app.connect("source-read", write_reference)
