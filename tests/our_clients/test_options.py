"""Our clients know the operations and options that the service has, and no others."""

import re
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
import silhouette_client
from silhouette_client import AsyncClient, Client

from service.operations import OPERATIONS
from service.operations.operation import Operation
from service.video.choice import FilmOptions
from service.video.formats import FORMATS

TYPES = (Path(__file__).parents[2] / "clients" / "js" / "silhouette.d.ts").read_text(encoding="utf-8")
MODULE = (Path(__file__).parents[2] / "clients" / "js" / "silhouette.js").read_text(encoding="utf-8")

PYTHON = {bool: "bool", int: "number", float: "number", str: "text"}
TYPESCRIPT = {
    "boolean": "bool",
    "number": "number",
    "string": "text",
    "string | string[]": "text",
    "string | object": "text",
}
"""Of what kind an option is, by its type."""


def camel(name: str, first: str = "") -> str:
    """remove-background -> removeBackground, or RemoveBackground"""
    head, *rest = name.split("-")
    return (head.capitalize() if first else head) + "".join(part.capitalize() for part in rest)


def asked_by(operation: Operation[Any]) -> dict[str, object]:
    """Each option and further picture: the values it can have, or of what kind they are."""
    options = {name: kind_of(field.annotation) for name, field in operation.options.model_fields.items()}
    for name, schema in operation.options.model_json_schema()["properties"].items():
        for branch in schema.get("anyOf", []):
            options[name] = frozenset(branch["enum"]) if "enum" in branch else options[name]
    return options | {picture.name: "picture" for picture in operation.pictures}


def kind_of(annotation: Any) -> object:
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (each for each in get_args(annotation) if each is not type(None))
    if get_origin(annotation) is Literal:
        return frozenset(get_args(annotation))
    return PYTHON.get(annotation, "text")


def hinted(hint: Any) -> object:
    """Of an option in the Python client."""
    if hint == silhouette_client.Hints:
        return "text"
    return "picture" if hint == silhouette_client.Picture else kind_of(hint)


def interface(name: str) -> dict[str, object]:
    """Of the JavaScript client, what it inherits included."""
    found = re.search(rf"export interface {name}(?: extends (\w+))? {{\n(.*?)\n}}", TYPES, re.DOTALL)
    assert found, name
    inherited = interface(found[1]) if found[1] else {}
    return inherited | {key: typed(kind) for key, kind in re.findall(r"^  (\w+)\?: (.+);$", found[2], re.MULTILINE)}


def typed(kind: str) -> object:
    if alias := re.search(rf"^type {re.escape(kind)} = (.+);$", TYPES, re.MULTILINE):
        return typed(alias[1])
    if kind == "Picture":
        return "picture"
    return frozenset(re.findall(r'"([^"]+)"', kind)) if '"' in kind else TYPESCRIPT[kind]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_the_python_client_has_the_options_of_the_service(operation: Operation[Any]) -> None:
    hints = get_type_hints(getattr(silhouette_client, f"{camel(operation.name, 'C')}Options"))
    assert {name: hinted(hint) for name, hint in hints.items()} == asked_by(operation)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_the_javascript_client_has_the_options_of_the_service(operation: Operation[Any]) -> None:
    assert interface(f"{camel(operation.name, 'C')}Options") == asked_by(operation)


def test_both_clients_have_the_operations_of_the_service() -> None:
    assert set(get_args(silhouette_client.Operation)) == set(OPERATIONS)
    for name in OPERATIONS:
        assert all(callable(getattr(kind, name.replace("-", "_"))) for kind in (Client, AsyncClient))
        assert f"  {camel(name)}(image: Picture, options?: {camel(name, 'C')}Options, how?: How)" in TYPES
        assert f'  {camel(name)}(image, options, how) {{\n    return this.#run("{name}",' in MODULE
    listed = re.search(r"interface OptionsOf {\n(.*?)\n}", TYPES, re.DOTALL)
    assert listed
    assert re.findall(r'^  "?([\w-]+)"?:', listed[1], re.MULTILINE) == list(OPERATIONS)


def test_the_options_that_are_pictures_are_known() -> None:
    assert set(silhouette_client.PICTURES) == {
        picture.name for operation in OPERATIONS.values() for picture in operation.pictures
    }


def test_both_clients_have_the_options_of_films() -> None:
    """`png` is a folder, which no service sends."""
    asked = {name: kind_of(field.annotation) for name, field in FilmOptions.model_fields.items()}
    asked["format"] = frozenset(name for name, format_ in FORMATS.items() if not format_.is_folder)
    hints = get_type_hints(silhouette_client.VideoOptions)
    assert {name: hinted(hint) for name, hint in hints.items()} == asked
    assert interface("VideoOptions") == asked | {"background": "picture", "matte": "picture"}
