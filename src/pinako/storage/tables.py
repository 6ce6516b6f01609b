"""Every table and index, for both engines. The words in braces are the dialect's: see storage/sqlite.py and postgres.py.

Conventions: ids BIGINT; times BIGINT, milliseconds since the epoch, UTC; flags SMALLINT 0/1; open enums are TEXT, stored
verbatim; JSON is TEXT; hashes of model files upper-case hex, SHA-256 of blobs lower-case hex. `source` is the host that a
thing was mirrored from ('' for things made here) and `source_id` its id there; (source, source_id) is its identity.
Foreign keys to mirrored parents are soft on purpose: an image may arrive before its post (domain.md a, advice 7).
"""

from __future__ import annotations

ORIGIN = "source TEXT NOT NULL DEFAULT '', source_id BIGINT, fetched_at BIGINT"


def _counts(*names: str) -> str:
    return ", ".join(f"{name}_count BIGINT NOT NULL DEFAULT 0" for name in names)


COUNTS = _counts("like", "dislike", "heart", "laugh", "cry", "reaction", "comment", "collected")

TABLES: dict[str, str] = {
    # what the library is: its own id, the format of stored documents, secrets for signed links
    "library": "name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL",
    # the next local id of each entity; the first is drawn between 1.5 and 2.1 thousand million
    "sequences": "entity TEXT NOT NULL PRIMARY KEY, next_id BIGINT NOT NULL",
    "users": f"""
        id {{rowid}}, username TEXT, username_key TEXT UNIQUE, email TEXT, image TEXT,
        profile_picture_id BIGINT, password_hash TEXT, is_owner SMALLINT NOT NULL DEFAULT 0,
        is_moderator SMALLINT NOT NULL DEFAULT 0, max_level BIGINT NOT NULL DEFAULT 31, browsing_level BIGINT,
        muted SMALLINT NOT NULL DEFAULT 0, banned_at BIGINT, deleted_at BIGINT, created_at BIGINT NOT NULL,
        settings TEXT NOT NULL DEFAULT '{{}}', public_settings TEXT NOT NULL DEFAULT '{{}}',
        links TEXT NOT NULL DEFAULT '[]', file_preferences TEXT NOT NULL DEFAULT '{{}}',
        follower_count BIGINT NOT NULL DEFAULT 0, following_count BIGINT NOT NULL DEFAULT 0, {ORIGIN}""",
    "api_keys": """
        id {rowid}, user_id BIGINT NOT NULL, name TEXT NOT NULL, key_hash TEXT NOT NULL UNIQUE,
        scope TEXT NOT NULL, created_at BIGINT NOT NULL, last_used_at BIGINT, revoked_at BIGINT""",
    "sessions": """
        token_hash TEXT NOT NULL PRIMARY KEY, user_id BIGINT NOT NULL, created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL, last_used_at BIGINT, agent TEXT""",
    # bytes that the library holds. link_path: the file lies in a user's own folder and is never written
    "blobs": """
        sha256 TEXT NOT NULL PRIMARY KEY, size BIGINT NOT NULL, mime TEXT NOT NULL, link_path TEXT,
        created_at BIGINT NOT NULL""",
    # counts come first: they are read and written most
    "images": f"""
        id {{rowid}}, {COUNTS}, tipped_count BIGINT NOT NULL DEFAULT 0,
        user_id BIGINT NOT NULL, post_id BIGINT, idx BIGINT NOT NULL DEFAULT 0, name TEXT,
        media_key TEXT NOT NULL, type TEXT NOT NULL, mime TEXT, width BIGINT, height BIGINT, blurhash TEXT, phash BIGINT,
        pixel_hash TEXT, blob TEXT, size BIGINT, metadata TEXT NOT NULL DEFAULT '{{}}',
        level BIGINT NOT NULL DEFAULT 0, level_locked SMALLINT NOT NULL DEFAULT 0,
        ingestion TEXT NOT NULL DEFAULT 'Scanned', blocked_for TEXT, needs_review TEXT,
        minor SMALLINT NOT NULL DEFAULT 0, acceptable_minor SMALLINT NOT NULL DEFAULT 0, poi SMALLINT NOT NULL DEFAULT 0,
        withheld SMALLINT NOT NULL DEFAULT 0, model_restricted SMALLINT NOT NULL DEFAULT 0,
        availability TEXT NOT NULL DEFAULT 'Public', hide_meta SMALLINT NOT NULL DEFAULT 0,
        has_meta SMALLINT NOT NULL DEFAULT 0, has_prompt SMALLINT NOT NULL DEFAULT 0, on_site SMALLINT NOT NULL DEFAULT 0,
        process TEXT, generator TEXT, base_model TEXT, remix_of_id BIGINT, published_at BIGINT, sort_at BIGINT NOT NULL,
        created_at BIGINT NOT NULL, scanned_at BIGINT, updated_at BIGINT NOT NULL, deleted_at BIGINT,
        {ORIGIN}""",
    # what the site said and what the file says are kept apart: they differ often (domain.md g)
    "image_meta": """
        image_id {rowid}, site_meta TEXT, file_meta TEXT, generation TEXT, raw TEXT""",
    "image_resources": """
        image_id BIGINT NOT NULL, version_id BIGINT NOT NULL, strength BIGINT, detected SMALLINT NOT NULL DEFAULT 1,
        PRIMARY KEY (image_id, version_id)""",
    # what an image says it was made with, so that a model that arrives later is still found
    "image_wants": """
        image_id BIGINT NOT NULL, place BIGINT NOT NULL, kind TEXT NOT NULL, name TEXT, hash TEXT, version_id BIGINT,
        strength BIGINT, PRIMARY KEY (image_id, place)""",
    "posts": f"""
        id {{rowid}}, user_id BIGINT NOT NULL, title TEXT, detail TEXT, version_id BIGINT,
        collection_id BIGINT, published_at BIGINT, sort_at BIGINT NOT NULL, availability TEXT NOT NULL DEFAULT 'Public',
        unlisted SMALLINT NOT NULL DEFAULT 0, level BIGINT NOT NULL DEFAULT 0, image_count BIGINT NOT NULL DEFAULT 0,
        metadata TEXT NOT NULL DEFAULT '{{}}', created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted_at BIGINT,
        {COUNTS}, {ORIGIN}""",
    "models": f"""
        id {{rowid}}, user_id BIGINT NOT NULL, name TEXT NOT NULL, description TEXT, type TEXT NOT NULL,
        status TEXT NOT NULL, availability TEXT NOT NULL DEFAULT 'Public', upload_type TEXT NOT NULL DEFAULT 'Created',
        checkpoint_type TEXT, mode TEXT, nsfw SMALLINT NOT NULL DEFAULT 0, poi SMALLINT NOT NULL DEFAULT 0,
        minor SMALLINT NOT NULL DEFAULT 0, sfw_only SMALLINT NOT NULL DEFAULT 0, locked SMALLINT NOT NULL DEFAULT 0,
        withheld SMALLINT NOT NULL DEFAULT 0, level BIGINT NOT NULL DEFAULT 0, meta TEXT NOT NULL DEFAULT '{{}}',
        gallery_settings TEXT NOT NULL DEFAULT '{{}}', allow_no_credit SMALLINT NOT NULL DEFAULT 1,
        allow_commercial_use TEXT NOT NULL DEFAULT '[]', allow_derivatives SMALLINT NOT NULL DEFAULT 1,
        allow_different_license SMALLINT NOT NULL DEFAULT 1, supports_generation SMALLINT NOT NULL DEFAULT 0,
        published_at BIGINT, last_version_at BIGINT, sort_at BIGINT NOT NULL DEFAULT 0, created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL, deleted_at BIGINT, download_count BIGINT NOT NULL DEFAULT 0,
        thumbs_up_count BIGINT NOT NULL DEFAULT 0, thumbs_down_count BIGINT NOT NULL DEFAULT 0,
        comment_count BIGINT NOT NULL DEFAULT 0, collected_count BIGINT NOT NULL DEFAULT 0,
        image_count BIGINT NOT NULL DEFAULT 0, tipped_amount BIGINT NOT NULL DEFAULT 0,
        generation_count BIGINT NOT NULL DEFAULT 0, hidden_metrics TEXT NOT NULL DEFAULT '[]', {ORIGIN}""",
    "model_versions": f"""
        id {{rowid}}, model_id BIGINT NOT NULL, idx BIGINT NOT NULL DEFAULT 0, name TEXT NOT NULL,
        description TEXT, status TEXT NOT NULL, base_model TEXT NOT NULL DEFAULT 'Other',
        base_model_type TEXT DEFAULT 'Standard', trained_words TEXT NOT NULL DEFAULT '[]', steps BIGINT, epochs BIGINT,
        clip_skip BIGINT, vae_id BIGINT, settings TEXT, availability TEXT NOT NULL DEFAULT 'Public',
        usage_control TEXT NOT NULL DEFAULT 'Download', upload_type TEXT NOT NULL DEFAULT 'Created', training_status TEXT,
        training_details TEXT, require_auth SMALLINT NOT NULL DEFAULT 0, level BIGINT NOT NULL DEFAULT 0, meta TEXT,
        flags BIGINT NOT NULL DEFAULT 0, licensing_fee {{real}}, gate_ends_at BIGINT,
        gate_permanent SMALLINT NOT NULL DEFAULT 0, published_at BIGINT, created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL, download_count BIGINT NOT NULL DEFAULT 0, thumbs_up_count BIGINT NOT NULL DEFAULT 0,
        thumbs_down_count BIGINT NOT NULL DEFAULT 0, image_count BIGINT NOT NULL DEFAULT 0, {ORIGIN}""",
    "model_files": f"""
        id {{rowid}}, version_id BIGINT NOT NULL, name TEXT NOT NULL, override_name TEXT, blob TEXT, stem TEXT,
        size_kb {{real}} NOT NULL DEFAULT 0, type TEXT NOT NULL DEFAULT 'Model', format TEXT, size_word TEXT, fp TEXT,
        quant_type TEXT, metadata TEXT NOT NULL DEFAULT '{{}}', header TEXT, pickle_scan_result TEXT NOT NULL DEFAULT 'Pending',
        pickle_scan_message TEXT, virus_scan_result TEXT NOT NULL DEFAULT 'Pending', virus_scan_message TEXT,
        scanned_at BIGINT, visibility TEXT NOT NULL DEFAULT 'Public', created_at BIGINT NOT NULL, {ORIGIN}""",
    "file_hashes": """
        file_id BIGINT NOT NULL, type TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (file_id, type)""",
    "tags": f"""
        id {{rowid}}, name TEXT NOT NULL, name_key TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL DEFAULT 'UserGenerated', level BIGINT NOT NULL DEFAULT 1, target TEXT NOT NULL DEFAULT '[]',
        unlisted SMALLINT NOT NULL DEFAULT 0, unfeatured SMALLINT NOT NULL DEFAULT 0,
        is_category SMALLINT NOT NULL DEFAULT 0, admin_only SMALLINT NOT NULL DEFAULT 0, {ORIGIN}""",
    "image_tags": """
        image_id BIGINT NOT NULL, tag_id BIGINT NOT NULL, confidence BIGINT, source TEXT NOT NULL DEFAULT 'User',
        automated SMALLINT NOT NULL DEFAULT 0, disabled SMALLINT NOT NULL DEFAULT 0,
        needs_review SMALLINT NOT NULL DEFAULT 0, PRIMARY KEY (image_id, tag_id)""",
    "image_tag_votes": """
        image_id BIGINT NOT NULL, tag_id BIGINT NOT NULL, user_id BIGINT NOT NULL, vote BIGINT NOT NULL,
        created_at BIGINT NOT NULL, PRIMARY KEY (image_id, tag_id, user_id)""",
    "model_tags": "model_id BIGINT NOT NULL, tag_id BIGINT NOT NULL, PRIMARY KEY (model_id, tag_id)",
    "model_tag_votes": """
        model_id BIGINT NOT NULL, tag_id BIGINT NOT NULL, user_id BIGINT NOT NULL, vote BIGINT NOT NULL,
        created_at BIGINT NOT NULL, PRIMARY KEY (model_id, tag_id, user_id)""",
    "post_tags": "post_id BIGINT NOT NULL, tag_id BIGINT NOT NULL, PRIMARY KEY (post_id, tag_id)",
    "collections": f"""
        id {{rowid}}, name TEXT NOT NULL, description TEXT, user_id BIGINT NOT NULL, image_id BIGINT,
        type TEXT, mode TEXT, read TEXT NOT NULL DEFAULT 'Private', write TEXT NOT NULL DEFAULT 'Private',
        availability TEXT NOT NULL DEFAULT 'Public', nsfw SMALLINT NOT NULL DEFAULT 0, level BIGINT NOT NULL DEFAULT 0,
        metadata TEXT NOT NULL DEFAULT '{{}}', created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted_at BIGINT,
        follower_count BIGINT NOT NULL DEFAULT 0, {ORIGIN}""",
    "collection_items": """
        id {rowid}, collection_id BIGINT NOT NULL, entity_type TEXT NOT NULL, entity_id BIGINT NOT NULL,
        status TEXT NOT NULL DEFAULT 'ACCEPTED', note TEXT, tag_id BIGINT, added_by_id BIGINT, created_at BIGINT NOT NULL,
        UNIQUE (collection_id, entity_type, entity_id)""",
    "collection_contributors": """
        collection_id BIGINT NOT NULL, user_id BIGINT NOT NULL, permissions TEXT NOT NULL DEFAULT '[]',
        created_at BIGINT NOT NULL, PRIMARY KEY (collection_id, user_id)""",
    "collection_tags": """
        collection_id BIGINT NOT NULL, tag_id BIGINT NOT NULL, filterable_only SMALLINT NOT NULL DEFAULT 0,
        PRIMARY KEY (collection_id, tag_id)""",
    # entity_type: image, post, model, ... A user may give several different reactions to one thing
    "reactions": """
        entity_type TEXT NOT NULL, entity_id BIGINT NOT NULL, user_id BIGINT NOT NULL, reaction TEXT NOT NULL,
        created_at BIGINT NOT NULL, PRIMARY KEY (entity_type, entity_id, user_id, reaction)""",
    # follows, hides, blocks, favourites: target_type user, model, image, tag; kind Follow, Hide, Block, Favorite, Notify
    "engagements": """
        user_id BIGINT NOT NULL, target_type TEXT NOT NULL, target_id BIGINT NOT NULL, kind TEXT NOT NULL,
        created_at BIGINT NOT NULL, PRIMARY KEY (user_id, target_type, target_id)""",
    # the document of a mirrored thing as it was received, one row a revision
    "received": """
        entity_type TEXT NOT NULL, entity_id BIGINT NOT NULL, door TEXT NOT NULL, fetched_at BIGINT NOT NULL,
        source TEXT NOT NULL, digest TEXT NOT NULL, body {blob} NOT NULL,
        PRIMARY KEY (entity_type, entity_id, door, fetched_at)""",
    "tombstones": """
        source TEXT NOT NULL, entity_type TEXT NOT NULL, source_id BIGINT NOT NULL, reason TEXT NOT NULL,
        at BIGINT NOT NULL, PRIMARY KEY (source, entity_type, source_id)""",
    # what is being mirrored: an address with its options, and when it was last whole. target is a client Target as JSON
    "mirror_targets": """
        source TEXT NOT NULL, target TEXT NOT NULL, options TEXT NOT NULL, added_at BIGINT NOT NULL,
        begun_at BIGINT NOT NULL, whole_at BIGINT, PRIMARY KEY (source, target)""",
    # where an unfinished run goes on: the mark of the first page of each list that is not dealt with; none: it is at its end
    "mirror_marks": """
        source TEXT NOT NULL, target TEXT NOT NULL, walk TEXT NOT NULL, mark TEXT,
        PRIMARY KEY (source, target, walk)""",
    # the journal: what became of every thing upstream. digest: of its record as last kept; parts: what was fetched of it
    "mirror_items": """
        source TEXT NOT NULL, entity_type TEXT NOT NULL, source_id BIGINT NOT NULL, state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '', parts TEXT NOT NULL DEFAULT '',
        since BIGINT NOT NULL, checked_at BIGINT NOT NULL, retry_at BIGINT,
        PRIMARY KEY (source, entity_type, source_id)""",
    # which things a target's lists have named, so that those that left them are noticed
    "mirror_finds": """
        source TEXT NOT NULL, target TEXT NOT NULL, entity_type TEXT NOT NULL, source_id BIGINT NOT NULL,
        seen_at BIGINT NOT NULL, PRIMARY KEY (source, target, entity_type, source_id)""",
    # requests of one day to one host, so that a day's number outlives the process
    "mirror_budgets": "source TEXT NOT NULL PRIMARY KEY, day TEXT NOT NULL, count BIGINT NOT NULL",
    # blobs of things that became withheld: their bytes go as soon as no visible thing needs them
    "purges": "sha256 TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL",
    "audit": """
        id {serial}, at BIGINT NOT NULL, user_id BIGINT, action TEXT NOT NULL, subject TEXT NOT NULL""",
    # files that were imported: what a second run compares before it hashes anything
    "imported_files": """
        path TEXT NOT NULL PRIMARY KEY, size BIGINT NOT NULL, mtime_ns BIGINT NOT NULL, inode BIGINT NOT NULL,
        sha256 TEXT NOT NULL, entity_type TEXT NOT NULL, entity_id BIGINT NOT NULL, seen_at BIGINT NOT NULL""",
    # takeouts that were brought in: what each record of that other library became here. digest: of its line as last kept
    "takeout_items": """
        library TEXT NOT NULL, entity TEXT NOT NULL, source_id BIGINT NOT NULL, local_id BIGINT NOT NULL,
        digest TEXT NOT NULL, PRIMARY KEY (library, entity, source_id)""",
    # files on their way in. state: open, whole (checked, prepared is what its bytes say), used (an image has it)
    "uploads": """
        media_key TEXT NOT NULL PRIMARY KEY, user_id BIGINT NOT NULL, name TEXT, state TEXT NOT NULL DEFAULT 'open',
        sha256 TEXT, prepared TEXT, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL""",
    # links that show a collection to whoever has them, up to a level
    "shares": """
        id {rowid}, collection_id BIGINT NOT NULL, level BIGINT NOT NULL, user_id BIGINT NOT NULL,
        created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, revoked_at BIGINT""",
    # every write leaves a row here in its own transaction; each process follows it (engine.md 2.7)
    # seq is dense: each write takes the newest plus one, under the writer's lock
    "changes": "seq {rowid}, entity TEXT NOT NULL, id BIGINT NOT NULL, what TEXT NOT NULL, at BIGINT NOT NULL",
    # ready-made JSON fragments, one table for each door, fetched by id; the counts that are spliced into them lie before them
    "image_rest": f"""
        id {{rowid}}, {_counts("like", "heart", "laugh", "cry", "comment")}, body {{blob}} NOT NULL""",
    "image_trpc": f"""
        id {{rowid}}, {_counts("like", "heart", "laugh", "cry", "comment", "collected", "tipped")}, body {{blob}} NOT NULL""",
    "post_trpc": f"""
        id {{rowid}}, {_counts("like", "dislike", "heart", "laugh", "cry", "comment", "collected")},
        body {{blob}} NOT NULL""",
    "model_rest": "id {rowid}, body {blob} NOT NULL",
    "model_trpc": "id {rowid}, body {blob} NOT NULL",
}

INDEXES: tuple[str, ...] = (
    "images (post_id, idx)",
    "images (user_id, sort_at, id)",
    "images (media_key)",
    "images (blob)",
    "images (pixel_hash)",
    "image_resources (version_id, image_id)",
    "image_wants (hash)",
    "image_wants (name)",
    "posts (user_id, sort_at, id)",
    "posts (version_id)",
    "models (user_id)",
    "model_versions (model_id, idx)",
    "model_files (version_id)",
    "model_files (blob)",
    "model_files (stem)",
    "file_hashes (hash)",
    "model_tags (tag_id, model_id)",
    "post_tags (tag_id, post_id)",
    "collections (user_id)",
    "collection_items (entity_type, entity_id)",
    "collection_items (collection_id, created_at, id, entity_type, status, entity_id, added_by_id, tag_id)",
    "collection_contributors (user_id)",
    "reactions (user_id, entity_type, reaction, entity_id)",
    "engagements (target_type, target_id, kind)",
    "imported_files (sha256)",
    "imported_files (inode)",
    "api_keys (user_id)",
    "shares (collection_id)",
)

HELD = (
    "withheld = 1 OR (deleted_at IS NULL AND (needs_review IS NOT NULL OR blocked_for IS NOT NULL "
    "OR level = 32 OR ingestion <> 'Scanned'))"
)
"""Images that wait for a moderator. Whoever looks for them says it in these words: so the engines know the index is for that."""

PARTIAL: dict[str, str] = {"images_held": f"images (id) WHERE {HELD}"}
"""Indexes of some rows only, by name."""

SOURCED = ("users", "images", "posts", "models", "model_versions", "model_files", "tags", "collections")
"""Tables whose rows may be mirrored; (source, source_id) is unique in each where source_id is set."""

CLUSTERED = (
    "library", "sequences", "sessions", "image_resources", "image_wants", "file_hashes", "image_tags", "image_tag_votes",
    "model_tags", "model_tag_votes", "post_tags", "collection_contributors", "collection_tags", "reactions", "engagements",
    "tombstones", "mirror_items", "mirror_finds", "mirror_marks", "takeout_items",
)  # fmt: skip
"""Tables of small rows that SQLite keeps in the order of their key (WITHOUT ROWID)."""
