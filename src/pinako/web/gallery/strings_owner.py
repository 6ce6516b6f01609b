"""What the pages for whoever keeps the library say."""

from __future__ import annotations

OWNER_WORDS: dict[str, str] = {
    "login.title": "Sign in",
    "login.name": "Name",
    "login.password": "Password",
    "login.enter": "Sign in",
    "login.wrong": "That name and password do not fit.",
    "login.key": "No password yet? Whoever keeps this library sets one at its machine:",
    "login.key.command": "pinako user password NAME",
    "upload.title": "Upload",
}
