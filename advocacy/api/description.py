"""The OpenAPI description, laid out for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """One thing to send: ``name`` as it stands in the body or address, ``type`` in OpenAPI's words."""

    name: str
    type: str
    required: bool
    says: str


@dataclass(frozen=True)
class Call:
    """One call: how it is made, what it does, which scope it needs and what it takes."""

    method: str
    path: str
    title: str
    says: str
    scope: str
    fields: list[Field]


def calls_of(description: Mapping[str, Any]) -> list[Call]:
    """Every call of an OpenAPI 3.1 description, in its order."""
    schemas = description["components"]["schemas"]
    calls = []
    for path, methods in description["paths"].items():
        for method, told in methods.items():
            body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            fields = [
                Field(
                    one["name"], _type(one["schema"]), one.get("required", False), one["schema"].get("description", "")
                )
                for one in told.get("parameters", [])
            ]
            calls.append(
                Call(method.upper(), path, told.get("summary", ""), told.get("description", ""),
                     told.get("x-scope", ""), [*fields, *_fields(body, schemas)])
            )  # fmt: skip
    return calls


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any], under: str = "") -> Iterator[Field]:
    schema = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    for name, told in schema.get("properties", {}).items():
        yield Field(under + name, _type(told), name in schema.get("required", ()), told.get("description", ""))
        if told.get("type") == "array":
            yield from _fields(told["items"], schemas, f"{under}{name}[].")


def _type(schema: Mapping[str, Any]) -> str:
    kinds = schema.get("anyOf", [schema])
    words = [one.get("format") or one.get("type") or "" for one in kinds if one.get("type") != "null"]
    return " / ".join(dict.fromkeys(word for word in words if word))
