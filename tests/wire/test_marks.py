"""Dates named by the fields of a record are those that a look through the encoded body finds."""

from __future__ import annotations

import pytest
import wire_nouns as nouns

from pinako.wire import trpc_images
from pinako.wire.fragments import encode
from pinako.wire.superjson import date_marks, record_marks


@pytest.mark.parametrize("changes", [{}, {"published_at": None}, {"scanned_at": None}])
def test_fields_name_the_dates_of_the_body(changes: dict[str, object]) -> None:
    body = trpc_images._image(nouns.full_image(**changes))
    assert record_marks(body) == date_marks(encode(body))
    assert "createdAt" in record_marks(body)
    assert ("publishedAt" in record_marks(body)) is ("published_at" not in changes)
