"""`silhouette video` with the tiny networks: `python -m tests.unit.cli.tiny_video FILM... [OPTIONS]`."""

import sys

from service.cli.main import parser
from service.cli.video.plan import make_plan
from service.cli.video.run import work_off
from tests.light_families import tiny_families

if __name__ == "__main__":
    sys.exit(work_off(make_plan(parser().parse_args(["video", *sys.argv[1:]])), tiny_families))
