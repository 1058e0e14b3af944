"""Renders merchants' Liquid in a process of its own, which may be killed at any moment and is nobody's loss.

Limits inside the template library are a courtesy, the limits of this process are the boundary: memory by RLIMIT_AS,
time per template by RLIMIT_CPU, and the parent's clock. It reads one JSON line per request from stdin and answers
with one JSON line on stdout; it has no secrets, no database and no environment.
"""

import json
import re
import resource
import sys
from functools import lru_cache
from typing import Final

import nh3
from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError

from services.messaging.domain.plain_text import plain_text

MEMORY_BYTES: Final = 256 * 1024 * 1024
CPU_SECONDS: Final = 2
OUTPUT_BYTES: Final = 128 * 1024

_TAGS: Final = """
    a b blockquote br center code div em h1 h2 h3 h4 hr i img li ol p pre s small span strong sub sup table tbody td
    tfoot th thead tr u ul
"""
_ATTRIBUTES: Final = {
    "*": {"style", "align", "dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "table": {"width", "cellpadding", "cellspacing", "border", "bgcolor", "role"},
    "td": {"width", "valign", "bgcolor", "colspan", "rowspan"},
    "th": {"width", "valign", "bgcolor", "colspan", "rowspan"},
}
_STYLES: Final = """
    background-color border border-collapse border-radius color font-family font-size font-style font-weight height
    letter-spacing line-height margin margin-bottom margin-left margin-right margin-top max-width padding
    padding-bottom padding-left padding-right padding-top text-align text-decoration vertical-align width
"""


# Made once: that costs five times as much as cleaning a mail.
_CLEANER: Final = nh3.Cleaner(
    tags=set(_TAGS.split()),
    clean_content_tags={"script", "style", "title", "head"},
    attributes=_ATTRIBUTES,
    url_schemes={"http", "https", "mailto", "tel"},
    filter_style_properties=set(_STYLES.split()),
    link_rel=None,
    url_relative="deny",
)


class _Limited(Environment):
    """Liquid without files and with small limits: a bomb ends in milliseconds and with a message."""

    loop_iteration_limit = 10_000
    output_stream_limit = OUTPUT_BYTES
    local_namespace_limit = 64 * 1024
    context_depth_limit = 10


_HTML = _Limited(autoescape=True)
_LINE = _Limited(autoescape=False)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class _Broken(Exception):
    """A template that cannot be rendered, and which part of it is at fault."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.answer = {"field": field, "detail": detail}


def main() -> None:
    """Requests are answered until stdin ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        _allow_cpu_seconds(CPU_SECONDS)
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def answer(request: dict[str, object]) -> dict[str, str]:
    """What the rendered template reads like, or which part of it is broken and why."""
    try:
        context = request["context"]
        subject = _render("subject", str(request["subject"]), context)
        html = _CLEANER.clean(_render("html", str(request["html"]), context))
        return {"subject": " ".join(_CONTROL.sub(" ", subject).split()), "html": html, "text": plain_text(html)}
    except _Broken as broken:
        return broken.answer


def _allow_cpu_seconds(seconds: int) -> None:
    """From now on the process may use this much, then the kernel ends it, wherever it hangs."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def _render(field: str, source: str, context: object) -> str:
    try:
        return _parsed(field, source).render(context)
    except LiquidError as error:
        raise _Broken(field, str(error.message or type(error).__name__)) from error
    except (MemoryError, RecursionError) as error:
        raise _Broken(field, "needs too much memory") from error


@lru_cache(maxsize=256)
def _parsed(field: str, source: str) -> BoundTemplate:
    return (_HTML if field == "html" else _LINE).from_string(source)


if __name__ == "__main__":
    main()
