#!/bin/sh
# huggingface-hub 2.4.0: InferenceClient.image_segmentation refuses PIL pictures and open files, though its signature and its
# documentation name both ("It can be raw bytes, an image file, a URL to an online image, or a PIL Image"). Nothing is sent.
# Seen: "ValueError: Expected binary inputs or a local path or a URL." for PIL.Image.Image, BytesIO, an open file and bytearray;
# bytes, a path and a URL go through. image_classification and object_detection do the same. Write a picture into bytes first.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check huggingface-hub==2.4.0 pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys
from huggingface_hub import InferenceClient
from PIL import Image

client = InferenceClient(model="http://127.0.0.1:9/nobody", token="none", timeout=1)
picture = Image.new("RGB", (8, 8))
file = io.BytesIO()
picture.save(file, "PNG")


def is_refused(image):
    try:
        client.image_segmentation(image)
    except ValueError as error:
        return str(error).startswith("Expected binary inputs")
    except Exception:  # it tried to connect: nobody is there
        return False


pictures = {"PIL": picture, "open file": io.BytesIO(file.getvalue()), "bytearray": bytearray(file.getvalue())}
refused = {kind: is_refused(image) for kind, image in {**pictures, "bytes": file.getvalue()}.items()}
documented = "PIL Image" in InferenceClient.image_segmentation.__doc__
print("documented:", documented, "refused:", refused)
sys.exit(0 if documented and refused == {**dict.fromkeys(pictures, True), "bytes": False} else 1)
PYTHON
