"""The server that most people would write: FastAPI, SQLAlchemy's ORM, Pydantic models, LIMIT and OFFSET. Over Pinako's own rows.

    PEER_DATABASE=/path/library.db uvicorn fastapi_app:app

It answers with the same items as `GET /api/v1/images`, sorted and paged the same, without levels, cursors or credentials.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel
from sqlalchemy import BigInteger, ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship, selectinload

engine = create_engine(f"sqlite:///{os.environ['PEER_DATABASE']}", connect_args={"check_same_thread": False})
MEDIA = "http://127.0.0.1:8000/xG1nkqKTMzGDvpLrqFT7WA"


class Base(DeclarativeBase):
    """The tables that pages of images need."""


class User(Base):
    """An account."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    username: Mapped[str | None]
    image: Mapped[str | None]


class Resource(Base):
    """A model version that an image was made with."""

    __tablename__ = "image_resources"
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), primary_key=True)
    version_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class Image(Base):
    """An image, with the columns that an item shows."""

    __tablename__ = "images"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    post_id: Mapped[int | None]
    media_key: Mapped[str]
    type: Mapped[str]
    blurhash: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    level: Mapped[int]
    base_model: Mapped[str | None]
    sort_at: Mapped[int]
    published_at: Mapped[int | None]
    withheld: Mapped[int]
    minor: Mapped[int]
    poi: Mapped[int]
    like_count: Mapped[int]
    dislike_count: Mapped[int]
    heart_count: Mapped[int]
    laugh_count: Mapped[int]
    cry_count: Mapped[int]
    comment_count: Mapped[int]
    reaction_count: Mapped[int]
    user: Mapped[User] = relationship()
    resources: Mapped[list[Resource]] = relationship()


class UserOut(BaseModel):
    """The uploader."""

    id: int
    username: str | None
    image: str | None


class StatsOut(BaseModel):
    """Counts of an item."""

    cryCount: int
    laughCount: int
    likeCount: int
    dislikeCount: int
    heartCount: int
    commentCount: int


class ImageOut(BaseModel):
    """One item."""

    id: int
    url: str
    hash: str | None
    width: int | None
    height: int | None
    nsfwLevel: str
    type: str
    nsfw: bool
    browsingLevel: int
    createdAt: datetime
    postId: int | None
    username: str | None
    user: UserOut
    baseModel: str | None
    modelVersionIds: list[int]
    stats: StatsOut
    meta: dict[str, str] | None = None


class PageOut(BaseModel):
    """One page."""

    items: list[ImageOut]
    metadata: dict[str, int]


app = FastAPI()


def session() -> Iterator[Session]:
    """A session for each request."""
    with Session(engine) as opened:
        yield opened


LEVELS = {1: "None", 2: "Soft", 4: "Mature", 8: "X", 16: "X"}
ORDERS = {
    "Newest": (Image.sort_at.desc(), Image.id.desc()),
    "Most Reactions": (Image.reaction_count.desc(), Image.id.desc()),
}


@app.get("/images", response_model=PageOut)
def images(
    db: Annotated[Session, Depends(session)],
    sort: Literal["Newest", "Most Reactions"] = "Newest",
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    page: Annotated[int, Query(ge=1)] = 1,
    user_id: int | None = None,
) -> PageOut:
    """A page of images."""
    asked = (
        select(Image)
        .options(joinedload(Image.user), selectinload(Image.resources))
        .where(Image.published_at.is_not(None), Image.withheld == 0, Image.minor == 0, Image.poi == 0)
        .order_by(*ORDERS[sort])
        .limit(limit)
        .offset((page - 1) * limit)
    )
    if user_id is not None:
        asked = asked.where(Image.user_id == user_id)
    found = db.scalars(asked).all()
    return PageOut(items=[shown(image) for image in found], metadata={"currentPage": page, "pageSize": limit})


def shown(image: Image) -> ImageOut:
    """An item of a row."""
    level = LEVELS.get(image.level, "None")
    return ImageOut(
        id=image.id,
        url=f"{MEDIA}/{image.media_key}/original=true/{image.media_key}.jpeg",
        hash=image.blurhash,
        width=image.width,
        height=image.height,
        nsfwLevel=level,
        type=image.type,
        nsfw=level != "None",
        browsingLevel=image.level,
        createdAt=datetime.fromtimestamp(image.sort_at / 1000, UTC),
        postId=image.post_id,
        username=image.user.username,
        user=UserOut(id=image.user.id, username=image.user.username, image=image.user.image),
        baseModel=image.base_model,
        modelVersionIds=[resource.version_id for resource in image.resources],
        stats=StatsOut(
            cryCount=image.cry_count,
            laughCount=image.laugh_count,
            likeCount=image.like_count,
            dislikeCount=image.dislike_count,
            heartCount=image.heart_count,
            commentCount=image.comment_count,
        ),
    )
