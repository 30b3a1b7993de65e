"""What the pages share: style, scripts, macros, and the one way from values to a self-contained file."""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ablatrix.page.rows import row_html


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """Return a page made of a template of this room. Text is always escaped; what is marked as safe is ours."""
    return _environment().get_template(template).render({**values, **_own_texts(), "row_html": row_html})


@functools.cache
def _environment() -> Environment:
    """Return what compiles templates, and keeps them compiled."""
    return Environment(
        loader=PackageLoader("ablatrix.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def json_text(value: Any) -> Markup:
    """Return JSON that is safe inside a script element: nothing in it can end that element."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))


@functools.cache
def _own_texts() -> Mapping[str, Any]:
    """Return the page's style and scripts, and the policy that lets these scripts alone run: the same for every page.

    To bundle the scripts takes seconds.
    """
    script = _text("page.js")
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # without a snippet it is the whole bundle
    bundle = bundle.replace("</script", "<\\/script")
    return {
        "style": Markup(_text("page.css")),
        "script": Markup(script),
        "bundle": Markup(bundle),
        "policy": " ".join(map(_hash, (script, bundle))),
    }


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """Return a script's hash as a content security policy has it: no other script can run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
