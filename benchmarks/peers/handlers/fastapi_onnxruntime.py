"""Background removal as one would write it in 40 lines: FastAPI, onnxruntime, U2-Net. A peer to compare with."""

import io
import os
import threading

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI, Response, UploadFile
from PIL import Image

MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
CORES = len(os.sched_getaffinity(0))

options = ort.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("PEER_THREADS", CORES))
options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # requests side by side share the cores
session = ort.InferenceSession(os.environ["U2NET"], options, providers=["CPUExecutionProvider"])
at_once = threading.Semaphore(CORES)
app = FastAPI()


def predict_alpha(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image.resize((320, 320), Image.Resampling.LANCZOS), np.float32)
    batch = ((pixels / max(pixels.max(), 1e-6) - MEAN) / STD).transpose(2, 0, 1)[None]
    saliency = session.run(None, {session.get_inputs()[0].name: batch})[0][0, 0]
    saliency = (saliency - saliency.min()) / (saliency.max() - saliency.min())
    return Image.fromarray((saliency * 255).astype(np.uint8)).resize(image.size, Image.Resampling.LANCZOS)


@app.post("/remove")
def remove(file: UploadFile) -> Response:
    with at_once:
        image = Image.open(file.file).convert("RGB")
        nothing = Image.new("RGBA", image.size, 0)
        cutout = Image.composite(image.convert("RGBA"), nothing, predict_alpha(image))
        out = io.BytesIO()
        cutout.save(out, "PNG")
    return Response(out.getvalue(), media_type="image/png")


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning")
