"""Makes what `tests/unit/models/segmenters/test_families.py` expects, with the runtimes the models were published for.

Run it where the original runtime is installed, with the original file that `silhouette models pull` downloads:

    pip install mediapipe==0.10.14 scikit-image && python tests/expected/make_expected.py selfie
    pip install ai-edge-litert==2.3.0 scikit-image && python tests/expected/make_expected.py deeplab FILE.tflite
"""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage import data

Pixels = NDArray[np.uint8]

HERE = Path(__file__).parent


def halved_astronaut() -> Pixels:
    """(256, 256, 3): skimage's 512x512 photo, each 2x2 pixels averaged in integers, so that every machine agrees."""
    photo: NDArray[np.uint32] = data.astronaut().astype(np.uint32)
    mean = (photo[0::2, 0::2] + photo[0::2, 1::2] + photo[1::2, 0::2] + photo[1::2, 1::2] + 2) // 4
    return mean.astype(np.uint8)


def padded_astronaut() -> Pixels:
    """(513, 513, 3): the photo with one row and one column of the value that means 0 to the network."""
    photo: Pixels = data.astronaut()
    return np.pad(photo, ((0, 1), (0, 1), (0, 0)), constant_values=128)


def selfie() -> None:
    """The package brings its own copy of the model; `model_selection=0` is the square one."""
    selfie_segmentation = import_module("mediapipe").solutions.selfie_segmentation
    with selfie_segmentation.SelfieSegmentation(model_selection=0) as segmentation:
        person = segmentation.process(halved_astronaut()).segmentation_mask
    np.savez_compressed(HERE / "selfie.npz", person=person.astype(np.float16))


def deeplab(model: str) -> None:
    """`model` is the path of the original file."""
    """`model` is the path of the original file."""
    interpreter = import_module("ai_edge_litert.interpreter").Interpreter(model, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], padded_astronaut()[np.newaxis])
    interpreter.invoke()
    labels = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    np.savez_compressed(HERE / "deeplab.npz", labels=labels.astype(np.uint8))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["selfie"]:
            selfie()
        case ["deeplab", model]:
            deeplab(model)
        case _:
            sys.exit(__doc__)
