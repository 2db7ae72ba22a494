"""Background removal as one would write it in 40 lines: FastAPI, onnxruntime, U2-Net. A peer to compare with."""

import io
import os

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI, Response, UploadFile
from PIL import Image

SIZE = (320, 320)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])

session = ort.InferenceSession(os.environ["U2NET_ONNX"], providers=["CPUExecutionProvider"])
app = FastAPI()


def predict_alpha(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image.resize(SIZE, Image.Resampling.LANCZOS)) / 255
    pixels = (pixels / max(pixels.max(), 1e-6) - MEAN) / STD
    batch = pixels.transpose(2, 0, 1)[None].astype(np.float32)
    saliency = session.run(None, {session.get_inputs()[0].name: batch})[0][0, 0]
    alpha = Image.fromarray((saliency * 255).astype(np.uint8))
    return alpha.resize(image.size, Image.Resampling.LANCZOS)


@app.post("/remove")
def remove(file: UploadFile) -> Response:
    image = Image.open(file.file).convert("RGB")
    image.putalpha(predict_alpha(image))
    out = io.BytesIO()
    image.save(out, "PNG")
    return Response(out.getvalue(), media_type="image/png")


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning")
