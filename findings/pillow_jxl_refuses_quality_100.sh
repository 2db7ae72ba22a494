#!/bin/sh
# pillow-jxl-plugin 1.3.8 (Pillow 13.0.0): quality runs from 0 to 99. 100, which JPEG, WebP and AVIF take, and which this plugin
# itself passes on for lossless=True, raises at every mode where lossless is not said as well, and the error names no option:
# RuntimeError "The encoder API is used in an incorrect way".
# Seen: of the qualities 0 to 100, only 100 is refused; with lossless=True it is taken.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 pillow-jxl-plugin==1.3.8
"$folder/venv/bin/python" - <<'PYTHON'
import io, sys
import pillow_jxl  # registers the format
from PIL import Image


def refusal(mode, **options):
    try:
        Image.new(mode, (16, 16)).save(io.BytesIO(), "JXL", **options)
    except RuntimeError as refused:
        return str(refused)


refused = [quality for quality in range(101) if refusal("RGB", quality=quality)]
reasons = {refusal(mode, quality=100) for mode in ("L", "LA", "RGB", "RGBA")}
print("refused:", refused, "reasons:", reasons)
lossless = refusal("RGBA", quality=100, lossless=True)
sys.exit(0 if (refused, reasons, lossless) == ([100], {"The encoder API is used in an incorrect way"}, None) else 1)
PYTHON
