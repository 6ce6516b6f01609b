"""One error body for each shape of the documents, and for each kind of error at an endpoint of that shape."""

from __future__ import annotations

import json

import pytest

from pinako.errors import (
    BadRequest,
    Forbidden,
    Gone,
    MethodNotAllowed,
    NotFound,
    PinakoError,
    StorageError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from pinako.wire import failures, issues
from pinako.wire.failures import Shapes, TextRefusal, error_answer
from pinako.wire.issues import ValidationError

SMALL = ValidationError([issues.too_small(1).under("limit")])
ISSUE = {
    "origin": "number", "code": "too_small", "minimum": 1, "inclusive": True, "path": ["limit"],
    "message": "Too small: expected number to be >=1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("shapes", "body"),
    [
        (failures.CREATORS, [ISSUE]),
        (failures.TAGS, [ISSUE]),
        (failures.MODELS, {"error": {"name": "ZodError", "message": json.dumps([ISSUE], indent=2)}}),
        (failures.IMAGES, {"error": {"name": "ZodError", "message": json.dumps([ISSUE], indent=2)}}),
        (failures.COLLECTIONS, {"error": {"name": "ZodError", "message": json.dumps([ISSUE], indent=2)}}),
        (failures.USERS, {"name": "ZodError", "message": json.dumps([ISSUE], indent=2)}),
        (failures.MODEL, {"error": "✖ Too small: expected number to be >=1\n  → at limit"}),
        (failures.DOWNLOAD, {"error": "✖ Too small: expected number to be >=1\n  → at limit"}),
    ],
)
def test_bad_input(shapes: Shapes, body: object) -> None:
    answer = error_answer(SMALL, shapes)
    assert (answer.status, json.loads(answer.body)) == (400, body)


@pytest.mark.parametrize(
    ("error", "shapes", "status", "body"),
    [
        (NotFound("User not found"), failures.MODELS, 404, {"message": "User not found"}),
        (NotFound("User not found"), failures.IMAGES, 404, {"error": "User not found", "code": "NOT_FOUND"}),
        (NotFound("No model with id 4411"), failures.MODEL, 404, {"error": "No model with id 4411"}),
        (Unauthorized(), failures.MODELS, 401, {"error": "Unauthorized"}),
        (Unauthorized("Not you"), failures.MODELS, 401, {"message": "Not you"}),
        (BadRequest("Invalid cursor"), failures.MODELS, 400, {"message": "Invalid cursor"}),
        (BadRequest("Invalid cursor"), failures.IMAGES, 400, {"error": "Invalid cursor", "code": "BAD_REQUEST"}),
        (TooManyRequests("Slow"), failures.IMAGES, 429, {"error": "Slow"}),
        (MethodNotAllowed(), failures.MODELS, 405, {"error": "Method not allowed"}),
        (Unavailable("Busy"), failures.IMAGES, 503, {"error": "Busy"}),
        (Gone("Model archived"), failures.DOWNLOAD, 410, {"error": "Model archived"}),
        (Forbidden(), failures.DOWNLOAD, 403, {"error": "Forbidden"}),
        (
            PinakoError("x"),
            failures.MODELS,
            500,
            {"message": "An unexpected error occurred", "error": "Internal Server Error"},
        ),
        (PinakoError("x"), failures.IMAGES, 500, {"error": "Internal Server Error"}),
        (StorageError("/home/me/library.db"), failures.IMAGES, 500, {"error": "Internal Server Error"}),
    ],
)
def test_other_errors(error: PinakoError, shapes: Shapes, status: int, body: object) -> None:
    answer = error_answer(error, shapes)
    assert (answer.status, json.loads(answer.body)) == (status, body)


def test_a_body_that_is_no_json_is_answered_in_bare_text() -> None:
    answer = error_answer(TextRefusal("Invalid JSON"))
    assert (answer.status, answer.body, answer.content_type) == (400, b"Invalid JSON", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("issue", "message"),
    [
        (issues.too_big(100), "Too big: expected number to be <=100"),
        (issues.too_big(30, origin="string", unit="characters"), "Too big: expected string to have <=30 characters"),
        (issues.wrong_type("number", "NaN"), "Invalid input: expected number, received NaN"),
        (issues.unknown_word(("a", "b")), 'Invalid option: expected one of "a"|"b"'),
        (issues.unknown_word(("a",)), 'Invalid input: expected "a"'),
        (issues.no_branch([], []), "Invalid input"),
    ],
)
def test_issues_speak_as_the_original(issue: issues.Issue, message: str) -> None:
    assert issue.message == message


def test_places_are_printed_with_dots_and_brackets() -> None:
    assert ValidationError([issues.not_whole().under("tags", 0, "id")]).pretty.endswith("→ at tags[0].id")
    assert ValidationError([issues.wrong_type("object", "undefined")]).pretty == (
        "✖ Invalid input: expected object, received undefined"
    )
