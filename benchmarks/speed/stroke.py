"""How long whoever paints waits: a stroke on a photo of 12 megapixels with an earlier `matte`, over HTTP, by a service
that is held on one core.
"""

import json
import os
import statistics
import time

import httpx2
import psutil

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.load import HOST
from benchmarks.harness.machine import machine
from benchmarks.harness.photos import photos
from benchmarks.harness.servers import Server, StartFailed, silhouette

STROKE = {"points": [[1300, 900], [1500, 800], [1700, 700]], "radius": 60, "keep": True}
"""In pixels of the photo."""

OUTPUTS = ("matte", "cutout")
GOAL_MS = 300

EPILOG = """\
examples:
  python -m benchmarks.speed.stroke                 about 20 seconds
  python -m benchmarks.speed.stroke --cores 2       on two cores
"""


def hold(server: Server, cores: int) -> None:
    """All processes of the service on so many cores; those that they start later are held there, too."""
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    for process in server.processes():
        for thread in process.threads():
            os.sched_setaffinity(thread.id, chosen)


def ask(client: httpx2.Client, output: str, matte: bytes | None) -> bytes:
    files = {"image": ("photo.jpg", photos("12mp")[0])}
    options = {"output": output}
    if matte is not None:
        files["matte"] = ("matte.png", matte)
        options["hints"] = json.dumps({"strokes": [STROKE]})
    return client.post("/remove-background", files=files, data=options).raise_for_status().content


def timed_ms(client: httpx2.Client, output: str, matte: bytes) -> float:
    began_s = time.perf_counter()
    ask(client, output, matte)
    return (time.perf_counter() - began_s) * 1000


def main() -> None:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--cores", type=int, default=1, help="default: 1")
    parser.add_argument("--times", type=int, default=12, help="each answer is asked for so often; default: 12")
    arguments = parser.parse_args()
    print(machine())
    failures = (StartFailed, httpx2.HTTPError, psutil.Error)
    with ending_in_one_line("stroke", *failures), silhouette("u2net", pixel_threads=str(arguments.cores)) as server:
        hold(server, arguments.cores)
        with httpx2.Client(base_url=f"http://{HOST}:{server.port}", timeout=60) as client:
            matte = ask(client, "matte", None)
            for output in OUTPUTS:
                taken_ms = [timed_ms(client, output, matte) for _ in range(arguments.times)]
                told = f"median {statistics.median(taken_ms):.0f} ms, fastest {min(taken_ms):.0f}"
                print(f"output={output}: {told}" + (f" (goal: {GOAL_MS})" if output == "matte" else ""))


if __name__ == "__main__":
    main()
