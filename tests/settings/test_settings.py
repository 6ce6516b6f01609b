"""Settings: where they come from, who wins, what is refused, and that each is documented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pinako.client import Politeness
from pinako.errors import SettingsError
from pinako.settings import Settings, describe_settings, load_settings

ROOT = Path(__file__).parents[2]


def test_defaults_need_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    settings = load_settings({})
    assert settings == Settings()
    assert settings.folder.name == "pinako"
    assert settings.database_address.startswith("sqlite:///")
    assert settings.media_address.startswith("file:///")


def test_the_later_wins(tmp_path: Path) -> None:
    (tmp_path / "pinako.toml").write_text('port = 1\nworkers = 2\nhost = "::1"\ncors_origins = ["https://a.example"]\n')
    environment = {"PINAKO_LIBRARY": str(tmp_path), "PINAKO_WORKERS": "3", "PINAKO_HOST": "localhost", "HOME": "/"}
    settings = load_settings(environment, given={"host": "127.0.0.2", "port": None})
    assert (settings.port, settings.workers, settings.host) == (1, 3, "127.0.0.2")
    assert settings.cors_origins == ("https://a.example",)
    assert settings.folder == tmp_path


def test_the_command_line_picks_the_library_whose_file_is_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pinako.toml").write_text(f'media_account = "{name}"\n')
    settings = load_settings({"PINAKO_LIBRARY": str(tmp_path / "a")}, given={"library": str(tmp_path / "b")})
    assert settings.media_account == "b"


def test_a_named_file_takes_the_place_of_the_librarys(tmp_path: Path) -> None:
    (tmp_path / "pinako.toml").write_text("port = 1\n")
    config = tmp_path / "other.toml"
    config.write_text(f'library = "{tmp_path}"\nworkers = 4\n')
    settings = load_settings({}, config=config)
    assert (settings.port, settings.workers, settings.folder) == (8765, 4, tmp_path)
    with pytest.raises(SettingsError, match=r"missing\.toml"):
        load_settings({}, config=tmp_path / "missing.toml")


def test_environment_spellings(tmp_path: Path) -> None:
    given = {"PINAKO_LIBRARY": str(tmp_path), "PINAKO_TRUSTED_PROXIES": "10.0.0.0/8, ::1", "PINAKO_PORT": ""}
    settings = load_settings({**given, "PINAKO_ALLOW_REMOTE": "True", "PINAKO_DOWNLOAD_REDIRECT": "0"})
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    assert (settings.allow_remote, settings.download_redirect, settings.port) == (True, False, 8765)


@pytest.mark.parametrize(
    ("file", "environment", "says"),
    [
        ("prot = 1", {}, "no setting is called 'prot'; there are .*port"),
        ("", {"PINAKO_PROT": "1"}, "PINAKO_PROT.*no setting is called 'prot'"),
        ('port = "many"', {}, "pinako.toml.*port"),
        ("port = 70000", {}, "pinako.toml.*port"),
        ("", {"PINAKO_PUBLIC_LEVEL": "32"}, "public_level"),
        ("", {"PINAKO_IMAGE_SORT": "Best"}, "image_sort"),
        ("port = ", {}, "pinako.toml: cannot be read"),
        ("[server]\nport = 1", {}, "no setting is called 'server'"),
        ("library = '/elsewhere'", {}, "cannot be set from inside"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, file: str, environment: dict[str, str], says: str) -> None:
    (tmp_path / "pinako.toml").write_text(file)
    with pytest.raises(SettingsError, match=says):
        load_settings({"PINAKO_LIBRARY": str(tmp_path), **environment})


def test_every_setting_has_its_sentence() -> None:
    table = describe_settings()
    for field in msgspec.structs.fields(Settings):
        line = next(line for line in table.splitlines() if line.startswith(f"| `{field.name}` |"))
        assert line.rstrip(" |").endswith("."), line


def test_the_documentation_is_up_to_date() -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "document", "--check"], check=True)


def test_a_mirror_is_by_default_as_polite_as_the_client() -> None:
    ours, clients = Settings(), Politeness()
    assert ours.mirror_requests_per_second == clients.requests_per_second == 2
    assert ours.mirror_transfers_at_once == clients.transfers_at_once == 4
    assert ours.mirror_requests_per_day == clients.requests_per_day == 20_000
