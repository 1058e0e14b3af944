"""Whole examples for requests and answers, put together from the examples of their fields."""

from typing import Any, get_args, get_origin

from fastapi import Body
from fastapi.params import Body as BodyParameter
from pydantic import BaseModel
from pydantic.fields import FieldInfo

# What FastAPI takes as `responses` has no narrower type.
Responses = dict[int | str, dict[str, Any]]


def answer(model: type[BaseModel], *, status: int = 200, **changes: Any) -> Responses:
    """The success answer of a route with its example; `changes` replace values of single fields."""
    return {status: {"content": {"application/json": {"example": {**example_of(model), **changes}}}}}


def page(model: type[BaseModel]) -> Responses:
    """The success answer of a list."""
    return {200: {"content": {"application/json": {"example": {"items": [example_of(model)], "next_cursor": None}}}}}


def body(model: type[BaseModel]) -> BodyParameter:
    """The request body of a route with its example."""
    found: BodyParameter = Body(openapi_examples={"usual": {"value": example_of(model)}})
    return found


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """The first example of every field."""
    return {name: _example(field) for name, field in model.model_fields.items()}


def _example(field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    if get_origin(field.annotation) is list:
        [item] = get_args(field.annotation)
        return [example_of(item)]
    raise AssertionError(f"a field without an example: {field!r}")
