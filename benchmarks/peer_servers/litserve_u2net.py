"""Background removal as one would write it in 40 lines: LitServe, onnxruntime, U2-Net. A peer to compare with."""

import io
import os

import litserve as ls
import numpy as np
import onnxruntime as ort
from fastapi import Response
from PIL import Image

SIZE = (320, 320)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


class RemoveBackground(ls.LitAPI):
    def setup(self, device: str) -> None:
        self.session = ort.InferenceSession(os.environ["U2NET_ONNX"], providers=["CPUExecutionProvider"])

    def decode_request(self, request):
        return Image.open(request["file"].file).convert("RGB")

    def predict(self, image: Image.Image) -> Image.Image:
        pixels = np.asarray(image.resize(SIZE, Image.Resampling.LANCZOS)) / 255
        pixels = (pixels / max(pixels.max(), 1e-6) - MEAN) / STD
        batch = pixels.transpose(2, 0, 1)[None].astype(np.float32)
        saliency = self.session.run(None, {self.session.get_inputs()[0].name: batch})[0][0, 0]
        alpha = Image.fromarray((saliency * 255).astype(np.uint8))
        image.putalpha(alpha.resize(image.size, Image.Resampling.LANCZOS))
        return image

    def encode_response(self, image):
        out = io.BytesIO()
        image.save(out, "PNG")
        return Response(out.getvalue(), media_type="image/png")


if __name__ == "__main__":
    ls.LitServer(RemoveBackground(), accelerator="cpu", timeout=300).run(
        port=int(os.environ["PORT"]), log_level="warning"
    )
