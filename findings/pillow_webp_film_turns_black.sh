#!/bin/sh
# Pillow 13.0.0 (libwebp 1.6): a film of cutouts saved as WebP comes back opaque, on black, where what moves is a rectangle
# without soft edges: a screen, a card, a sprite. Of every frame only the part that changed is stored, which here is opaque
# itself, so libwebp's header says that the file has no alpha; what lies around is clear all the same, and Chromium and sharp
# show it so. Pillow believes the header, opens the film as RGB and drops the alpha that libwebp decoded. One soft pixel in
# one frame, and all of it comes back.
# Seen, of the pixel beside the subject: RGB (0, 0, 0), so opaque black; with one pixel of alpha 128 RGBA (0, 0, 0, 0).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import io, sys
from PIL import Image

def film(alpha_of_corner):
    frames = []
    for left in (4, 24):
        frame = Image.new("RGBA", (64, 48))
        frame.paste((255, 0, 0, 255), (left, 10, left + 16, 30))
        frame.putpixel((left, 10), (255, 0, 0, alpha_of_corner))
        frames.append(frame)
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    back = Image.open(io.BytesIO(file.getvalue()))
    back.seek(1)
    return back.mode, back.getpixel((0, 0))

hard, soft = film(255), film(128)
print("a rectangle:", *hard)
print("with one soft pixel:", *soft)
sys.exit(0 if hard == ("RGB", (0, 0, 0)) and soft == ("RGBA", (0, 0, 0, 0)) else 1)
PYTHON
