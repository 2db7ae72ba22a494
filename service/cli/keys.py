"""`silhouette keys add|list|revoke`: the file that says who may ask for what."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.console import say
from service.configuration_errors import ConfigurationError
from service.settings import read_settings

if TYPE_CHECKING:
    from service.access.keyring import Key
    from service.cli.console import Commands

EXAMPLES = """\
examples:
  silhouette keys add shop --requests 60 --megapixels 500
  silhouette keys add prometheus --scopes metrics
  silhouette keys list
  silhouette keys revoke shop

A running service reads the file again when it has changed.
"""


def add_command(commands: "Commands") -> None:
    parser = commands.add_parser(
        "keys",
        help="say who may use the service",
        description="Keys for callers of the service, kept as hashes in one file.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--file", type=Path, metavar="FILE", help="the file of keys. Default: SILHOUETTE_KEYS_FILE")
    parser.set_defaults(run=parser.show_help)
    actions = parser.add_subparsers(metavar="ACTION")
    add = actions.add_parser("add", help="make a key, and show it once", epilog=EXAMPLES)
    add.add_argument("name", help="whose it is; in the log and in the metrics")
    add.add_argument(
        "--scopes", default="images", help="what it is good for: images,videos,stream,metrics,admin. Default: images"
    )
    add.add_argument("--requests", default="-", metavar="N", help="a minute, at most. Default: no limit")
    add.add_argument("--megapixels", default="-", metavar="N", help="a minute, at most. Default: no limit")
    add.set_defaults(run=_add)
    actions.add_parser("list", help="who has one", epilog=EXAMPLES).set_defaults(run=_list)
    revoke = actions.add_parser("revoke", help="take a key back", epilog=EXAMPLES)
    revoke.add_argument("name")
    revoke.set_defaults(run=_revoke)


def _file(chosen: argparse.Namespace) -> Path:
    path: Path | None = chosen.file or read_settings().keys_file
    if path is None:
        raise ConfigurationError("name the file of keys with --file, or set SILHOUETTE_KEYS_FILE")
    return path


def _keys(path: Path) -> "list[Key]":
    from service.access.keyring import read_keys

    return read_keys(path) if path.exists() else []


def _add(chosen: argparse.Namespace) -> int:
    from service.access.keyring import Key, hash_of, new_key, write_keys

    path = _file(chosen)
    keys, key = _keys(path), new_key()
    try:
        line = " ".join((chosen.name, chosen.scopes, chosen.requests, chosen.megapixels, hash_of(key)))
        added = Key.parse(line)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    if chosen.name in {each.name for each in keys}:
        raise ConfigurationError(f"{chosen.name!r} has a key already: revoke it first")
    write_keys(path, [*keys, added])
    say(f"this is the key of {chosen.name}; it is shown once, and kept as a hash in {path}:")
    sys.stdout.write(f"{key}\n")
    return 0


def _list(chosen: argparse.Namespace) -> int:
    for key in _keys(_file(chosen)):
        name, scopes, requests, megapixels, _ = key.line().split()
        sys.stdout.write(f"{name:<24} {scopes:<28} {requests:>8} requests/min {megapixels:>8} megapixels/min\n")
    return 0


def _revoke(chosen: argparse.Namespace) -> int:
    from service.access.keyring import write_keys

    path = _file(chosen)
    keys = _keys(path)
    left = [key for key in keys if key.name != chosen.name]
    if len(left) == len(keys):
        raise ConfigurationError(f"{path} has no key of {chosen.name!r}")
    write_keys(path, left)
    say(f"{chosen.name} has no key any more")
    return 0
