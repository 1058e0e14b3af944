"""What the code logs is what the allow-list lets through: a dropped field would be noticed only when it is missed."""

import ast
from collections.abc import Iterator
from pathlib import Path

from libs.servicekit.logs import ALLOWED_FIELDS

ROOT = Path(__file__).resolve().parents[3]
CALLS = {"debug", "info", "warning", "error", "critical", "exception"}
PERSONAL = ("mail", "phone", "given_name", "family_name", "address", "contact", "token", "secret", "password", "url")


def _logged_fields(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and _is_log_call(node.func):
            yield from (name for keyword in node.keywords for name in _names(keyword))


def _is_log_call(called: ast.expr) -> bool:
    if not isinstance(called, ast.Attribute) or called.attr not in CALLS:
        return False
    return isinstance(called.value, ast.Name) and "log" in called.value.id


def _names(keyword: ast.keyword) -> Iterator[str]:
    if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
        yield from (
            key.value for key in keyword.value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
        )
    elif keyword.arg not in (None, "extra", "exc_info"):
        yield str(keyword.arg)


def test_every_logged_field_is_on_the_list() -> None:
    refused = {
        f"{path.relative_to(ROOT)}: {field}"
        for folder in ("libs", "services")
        for path in (ROOT / folder).rglob("*.py")
        for field in _logged_fields(path)
        if field not in ALLOWED_FIELDS
    }

    assert refused == set()


def test_nothing_personal_or_secret_has_a_field() -> None:
    assert [field for field in ALLOWED_FIELDS for word in PERSONAL if word in field] == []
