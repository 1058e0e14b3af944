"""A .dockerignore, as far as ours goes. Source: https://docs.docker.com/build/concepts/context/#dockerignore-files"""

import re


class Ignored:
    """Tells whether a path of the repository stays out of the build's context: the last pattern that fits decides."""

    def __init__(self, text: str) -> None:
        lines = (line.strip() for line in text.splitlines())
        self._rules = [_rule(line) for line in lines if line and not line.startswith("#")]

    def __call__(self, path: str) -> bool:
        ignored = False
        for form, keeps in self._rules:
            if form.match(path):
                ignored = not keeps
        return ignored


def _rule(line: str) -> tuple[re.Pattern[str], bool]:
    """A pattern fits a path, and everything below a path that it fits."""
    keeps, pattern = line.startswith("!"), line.removeprefix("!")
    parts = re.split(r"(\*\*/|\*)", pattern)
    form = "".join({"**/": "(?:.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)
    return re.compile(rf"{form}(?:/|$)"), keeps
