"""`silhouette serve`: the HTTP service, from its settings to its exit code."""

import argparse
import logging
import signal
from typing import TYPE_CHECKING

from service.cli.console import say
from service.cli.exit_codes import FAILED
from service.settings import Settings, read_settings
from service.workers.plan import SegmenterFamilies, built_in_families

logger = logging.getLogger(__name__)

EXAMPLES = """\
examples:
  silhouette serve                                  on http://127.0.0.1:8000, see /docs there
  silhouette serve --host 0.0.0.0 --port 80         for other machines, too
  silhouette serve --models selfie,deeplab-voc      these models instead of u2net
  SILHOUETTE_LOG_FORMAT=json silhouette serve       with any of the settings below
"""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

if TYPE_CHECKING:
    from service.cli.console import Commands


def add_command(commands: "Commands") -> None:
    parser = commands.add_parser(
        "serve",
        help="start the HTTP service",
        description="Start the HTTP service. Stops on Ctrl-C or SIGTERM, after it has answered what it accepted.",
        epilog=f"{EXAMPLES}\n{_settings_help()}",
    )
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 lets other machines in")
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes a free one")
    parser.add_argument("--models", help="models to load, separated by commas; the first is the default")
    parser.add_argument("--device", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--workers", help="worker processes")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """The exit code: 0 after a stop that was asked for, 1 where the models could not be loaded."""
    settings = read_settings(
        **{name: getattr(chosen, name) for name in ("host", "port", "models", "device", "workers")}
    )
    from service.telemetry.log import configure_logging
    from service.workers.allocator import return_large_blocks

    return_large_blocks()
    configure_logging(settings.log_format)
    return serve(settings)


def serve(settings: Settings, families: SegmenterFamilies = built_in_families) -> int:
    """The exit code."""
    _warn_of_strangers(settings)
    if settings.fronts > 1:
        from service.cli.fronts import serve_with_fronts

        return serve_with_fronts(settings, families)
    return _serve_alone(settings, families)


def _serve_alone(settings: Settings, families: SegmenterFamilies) -> int:
    from service.app import create_app
    from service.cli.listening import bound_to_all
    from service.cli.server import SilhouetteServer, allow_connections, server_config

    allow_connections(settings.max_connections)
    listeners = bound_to_all(settings.host, settings.port)
    app = create_app(settings, families)
    config = server_config(app, settings)
    server = SilhouetteServer(config, app.state.service)
    # One that comes before uvicorn listens to signals stops it, too; and uvicorn raises the one that stopped it once
    # more when it is done, which must not look like a crash.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    server.run(listeners)
    failure = app.state.service.failure
    if failure:
        say(f"silhouette: {failure}")
    return FAILED if failure else 0


def _warn_of_strangers(settings: Settings) -> None:
    """Once, where whoever reaches the address may ask for anything."""
    if settings.keys_file is None and settings.host not in LOOPBACK:
        advice = "set SILHOUETTE_KEYS_FILE, or keep it behind a proxy that asks for a password"
        logger.warning("anybody who reaches %s may use this service: %s", settings.host, advice)


def _settings_help() -> str:
    """Every setting, from the one place that defines them."""
    lines = ["settings, from the environment:"]
    for name, field in Settings.model_fields.items():
        lines.append(f"  SILHOUETTE_{name.upper()} (default: {_as_set(field.default)})")
        lines.append("      " + " ".join((field.description or "").split()))
    return "\n".join(lines)


def _as_set(default: object) -> str:
    """As somebody would write it there."""
    match default:
        case None | () | "":
            return "unset"
        case bool():
            return "on" if default else "off"
        case tuple():
            return ",".join(map(str, default))
        case float():
            return f"{default:g}"
    return str(default)
