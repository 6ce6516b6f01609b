"""Takeouts: all that somebody owns in an open form (docs/takeout.md), written and brought in again."""
