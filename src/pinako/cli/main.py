"""The verbs by name, each imported when it is called, and the one place where an error becomes an exit code."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from collections.abc import Sequence

import click

from pinako.errors import PinakoError, SettingsError, StorageError

VERBS: dict[str, tuple[str, str]] = {
    "serve": ("pinako.cli.serve:serve", "Start the server."),
    "demo": ("pinako.cli.demo:demo", "Make a library with demo content."),
    "import": ("pinako.cli.imports:import_files", "Bring in folders of images and model files."),
    "inspect": ("pinako.cli.inspect:inspect", "Show what files hold, storing nothing."),
    "search": ("pinako.cli.search:search", "List pictures in the words of the search box."),
    "missing": ("pinako.cli.missing:missing", "List what images were made with and is not here."),
    "regroup": ("pinako.cli.missing:regroup", "Change which files make which model."),
    "duplicates": ("pinako.cli.duplicates:duplicates", "List pictures that are here more than once."),
    "trash": ("pinako.cli.duplicates:trash", "List, bring back or remove what is in the trash."),
    "mirror": ("pinako.cli.mirror:mirror", "Archive from another host."),
    "export": ("pinako.cli.export:export", "Write images, records or a whole takeout to a folder."),
    "history": ("pinako.cli.history:history", "Show every revision of a mirrored thing's record."),
    "login": ("pinako.cli.login:login", "Keep a credential for another host."),
    "key": ("pinako.cli.access:key", "Add, list and revoke API keys."),
    "user": ("pinako.cli.access:user", "Add and list accounts."),
    "check": ("pinako.cli.keep:check", "Compare the database with the stored files and the index."),
    "compact": ("pinako.cli.keep:compact", "Give free space back."),
    "migrate": ("pinako.cli.keep:migrate", "Bring a library to this version's format."),
}
"""Verb: where it lives (`module:name`) and its line in the list of verbs."""

EPILOG = """\b
Exit codes:
  0  all is well
  1  something was wrong or missing: no library there, an unknown name, findings, files that failed
  2  the command or a setting cannot be understood
  3  the library or its storage failed: full, damaged, of a newer version
  4  an error that should not happen; --traceback shows where
  130  interrupted
"""

OK, WRONG, USAGE, STORAGE, UNEXPECTED, INTERRUPTED = 0, 1, 2, 3, 4, 130


class Verbs(click.Group):
    """A group whose verbs are imported one at a time, so that `pinako --help` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs of this installation, in the order of the table."""
        return [name for name, (place, _) in VERBS.items() if _exists(place)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One verb, imported now."""
        place = VERBS.get(cmd_name, ("", ""))[0]
        if not place or not _exists(place):
            return None
        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERBS[name][1]) for name in self.list_commands(ctx)])


def _exists(place: str) -> bool:
    from importlib.util import find_spec

    return find_spec(place.partition(":")[0]) is not None


@click.group(cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pinako", prog_name="pinako")
@click.option("--traceback", is_flag=True, help="Show where an unexpected error came from.")
@click.pass_context
def cli(ctx: click.Context, traceback: bool) -> None:
    """A library for AI-generated media that speaks Civitai's API."""
    ctx.obj = traceback


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code. No traceback reaches the user unless asked for."""
    _mind_sigterm()
    try:
        code = cli.main(list(arguments), prog_name="pinako", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except PinakoError as error:
        click.echo(f"pinako: {error}", err=True)
        return code_of(error)
    except BrokenPipeError:
        return _closed_pipe()
    except Exception as error:
        if "--traceback" in arguments:
            raise
        click.echo(f"pinako: unexpected error: {type(error).__name__}: {error} (--traceback shows where)", err=True)
        return UNEXPECTED
    return code if isinstance(code, int) else OK


def _mind_sigterm() -> None:
    """SIGTERM ends a verb as Ctrl-C does: worker processes and half-written files are put away, not left behind."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def code_of(error: PinakoError) -> int:
    """The exit code of one of our errors."""
    if isinstance(error, SettingsError):
        return USAGE
    return STORAGE if isinstance(error, StorageError) else WRONG


def _closed_pipe() -> int:
    """The reader of our output went away (`pinako … | head`): that is its right."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK
