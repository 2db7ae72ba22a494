#!/bin/sh
# Pillow 13.0.0 beside 12.3.0: Image.resize rounds to 8 bits between its two passes, and 13 no longer always begins with the
# rows: where the height shrinks by more than twice what the width does, the columns come first. So what a network is shown of
# a tall photo has other levels than with 12, and one row more or less decides it: references made with 12 do not hold.
# Seen, Lanczos to 100 x 100: of 200 x 300 pixels both begin with the rows; of 200 x 301 pixels 12 does, and 13 with the columns.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/first_pass.py" <<'PYTHON'
import random
from PIL import Image

LANCZOS = Image.Resampling.LANCZOS


def first_pass(width, height):
    noise = Image.frombytes("L", (width, height), random.Random(1).randbytes(width * height))
    whole, rows, columns = (
        noise.resize(between, LANCZOS).resize((100, 100), LANCZOS).tobytes()
        for between in ((100, 100), (100, height), (width, 100))
    )
    return {rows: "rows", columns: "columns"}[whole]


print(*(first_pass(200, height) for height in (300, 301)))
PYTHON
for version in 12.3.0 13.0.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "pillow==$version"
    "$folder/$version/bin/python" "$folder/first_pass.py" > "$folder/$version.seen"
    echo "$version: $(cat "$folder/$version.seen")"
done
[ "$(cat "$folder/12.3.0.seen")" = "rows rows" ] && [ "$(cat "$folder/13.0.0.seen")" = "rows columns" ]
