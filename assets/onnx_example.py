"""Which character each picture shows. Needs: pip install onnxruntime numpy pillow"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

here = Path(__file__).parent
classes = json.loads((here / "classes.json").read_text(encoding="utf-8"))
session = onnxruntime.InferenceSession(str(here / "model.onnx"))
for path in sys.argv[1:]:
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    page = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    image = np.asarray(page.convert("RGB"))  # (H, W, 3) uint8 as it is, of any size
    (probabilities,), (blank,) = session.run(["probabilities", "blank"], {"image": image})
    answer = "(nothing drawn)" if blank else classes[probabilities.argmax()]
    print(path, answer, f"{probabilities.max():.4f}", sep="\t")
