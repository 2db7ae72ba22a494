"""The command: standard input and output are the agent's line, so everything else goes to standard error."""

import argparse
import asyncio
import importlib.util
from typing import TYPE_CHECKING

from service.cli.address import add_service_flags, key_headers, service_url
from service.configuration_errors import MissingExtra

if TYPE_CHECKING:
    from service.cli.console import Commands
    from service.cli.mcp.local import Local
    from service.cli.mcp.remote import Remote
    from service.settings import Settings

DESCRIPTION = """\
Offers every operation as a tool to an agent that speaks the Model Context Protocol, such as an editor or a desktop
assistant, which starts this command itself. Pictures are given as paths of files here, or as base64.
"""

EPILOG = """\
in the agent's settings:
  {"mcpServers": {"silhouette": {"command": "/path/to/silhouette", "args": ["mcp"]}}}
with a service that is running, which has its models loaded already:
  {"mcpServers": {"silhouette": {"command": "/path/to/silhouette", "args": ["mcp", "--url", "http://127.0.0.1:8000"]}}}
without this command: that service speaks the protocol itself, at http://127.0.0.1:8000/mcp
"""


def add_command(commands: "Commands") -> None:
    parser = commands.add_parser(
        "mcp",
        help="offer the operations to an agent, as tools of the Model Context Protocol",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    add_service_flags(parser, "let a running service do the work, instead of loading models here")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """0 when the agent hangs up. Raises ConfigurationError where nothing could be answered."""
    if importlib.util.find_spec("mcp") is None:
        raise MissingExtra.of("mcp", "an agent", "mcp")
    from service.settings import read_settings
    from service.telemetry.log import configure_logging

    settings = read_settings()
    configure_logging(settings.log_format)
    asyncio.run(_serve(chosen, settings))
    return 0


async def _serve(chosen: argparse.Namespace, settings: "Settings") -> None:
    from mcp.server.stdio import stdio_server

    from service.doors.mcp.server import mcp_server

    backend = _backend(chosen, settings)
    server = mcp_server(backend)
    async with backend, stdio_server() as (requests, answers):
        await server.run(requests, answers, server.create_initialization_options())


def _backend(chosen: argparse.Namespace, settings: "Settings") -> "Local | Remote":
    if chosen.url:
        from service.cli.mcp.remote import Remote

        return Remote(service_url(chosen.url), key_headers(chosen.api_key))
    from service.cli.mcp.local import Local

    return Local.build(settings)
