"""Background removal as one would write it in 40 lines: LitServe, onnxruntime, U2-Net. A peer to compare with."""

import io
import os

import litserve as ls
import numpy as np
import onnxruntime as ort
from fastapi import Response
from PIL import Image

MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
CORES = len(os.sched_getaffinity(0))


class RemoveBackground(ls.LitAPI):
    def setup(self, device: str) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("PEER_THREADS", 1))  # one worker a core instead
        self.session = ort.InferenceSession(os.environ["U2NET"], options, providers=["CPUExecutionProvider"])

    def decode_request(self, request):
        return Image.open(request["file"].file).convert("RGB")

    def predict(self, image: Image.Image) -> Image.Image:
        pixels = np.asarray(image.resize((320, 320), Image.Resampling.LANCZOS), np.float32)
        batch = ((pixels / max(pixels.max(), 1e-6) - MEAN) / STD).transpose(2, 0, 1)[None]
        saliency = self.session.run(None, {self.session.get_inputs()[0].name: batch})[0][0, 0]
        saliency = (saliency - saliency.min()) / (saliency.max() - saliency.min())
        alpha = Image.fromarray((saliency * 255).astype(np.uint8)).resize(image.size, Image.Resampling.LANCZOS)
        return Image.composite(image.convert("RGBA"), Image.new("RGBA", image.size, 0), alpha)

    def encode_response(self, cutout):
        out = io.BytesIO()
        cutout.save(out, "PNG")
        return Response(out.getvalue(), media_type="image/png")


if __name__ == "__main__":
    server = ls.LitServer(RemoveBackground(), accelerator="cpu", workers_per_device=CORES, timeout=300)
    server.run(port=int(os.environ["PORT"]), log_level="warning")
