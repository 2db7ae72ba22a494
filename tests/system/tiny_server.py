"""`silhouette serve` with the tiny networks of tests/fakes.py, which kill, hang or starve their worker when asked to.

Run as `python -m tests.system.tiny_server FAMILIES`; everything else comes from the environment, as usual.
"""

import sys
from collections.abc import Mapping

from service.settings import read_settings
from service.telemetry.log import configure_logging
from service.workers.plan import SegmenterFamilies


def main(families: str) -> int:
    """The exit code. Imports late, as `silhouette` does: every process of the service imports this file as well."""
    from service.cli.serve import serve
    from tests.light_families import raising_families, tiny_families

    known: Mapping[str, SegmenterFamilies] = {"tiny": tiny_families, "raising": raising_families}

    settings = read_settings()
    configure_logging(settings.log_format)
    return serve(settings, known[families])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
