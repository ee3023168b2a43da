"""What to do with a file that can't be used as it is: how to make one of it that can."""

from __future__ import annotations

LAYOUT = (
    "Lay it out as <class>/*.png, or as train/<class>/* beside val/<class>/* or test/<class>/*; or say"
    " that the images have no labels, to give them in the lab."
)
# The keys are those of CIFAR's batches, the pickles that people have most.
_PICKLE = (
    "A pickle can run any code when it is loaded, so the lab never opens one. Where you trust its"
    " source, convert it once in Python: `import numpy as np, pickle; found ="
    " pickle.load(open('{name}', 'rb'), encoding='latin1'); np.savez('{stem}.npz',"
    " images=found['data'], labels=found['labels'])`, with the keys that print(found) shows (and"
    " gzip.open for what is gzipped), and give {stem}.npz."
)
_TORCH = (
    "It holds a pickle, which the lab never opens. Convert it once in Python: `import numpy as np,"
    " torch; found = torch.load('{name}', weights_only=True); np.savez('{stem}.npz',"
    " images=found[0], labels=found[1])`, with the parts that print(found) shows, and give"
    " {stem}.npz."
)
_HDF5 = (
    "Convert it once in Python: `import h5py, numpy as np; found = h5py.File('{name}');"
    " np.savez('{stem}.npz', images=found['images'], labels=found['labels'])`, with the keys that"
    " list(found) shows, and give {stem}.npz."
)
_RECORDS = (
    "Convert them once in Python: `import numpy as np, tensorflow_datasets as tfds; found ="
    " list(tfds.as_numpy(tfds.load('mnist', split='train', as_supervised=True)));"
    " np.savez('train.npz', images=[x for x, y in found], labels=[y for x, y in found])`, with the"
    " set's name and for each split, and give the folder of these."
)
_PACKED = "Unpack it and give the folder, or pack the folder as a zip."
# A word in what a file is (engine.data.tables.KINDS) → what to do with it.
ADVICE: dict[str, str] = {
    "pickle": _PICKLE,
    "PyTorch": _TORCH,
    "HDF5": _HDF5,
    "TensorFlow": _RECORDS,
    "web page": "Its address may ask for a login: fetch the file with a browser, and upload that.",
    "Excel": "Save it as CSV, beside the pictures that it names.",
    "archive": _PACKED,
    "gzip": _PACKED,
    "single picture": "Give the folder that holds the class folders.",
}
OTHERWISE = "Put the pictures into a folder for each class, and give the folder or a zip of it."


def advice_on(name: str, what: str) -> str:
    """What to do with a file of this name, by what it is; '' where nothing is known."""
    text = next((text for word, text in ADVICE.items() if word in what), "")
    last = name.rpartition("/")[2]
    stem = last.partition(".")[0] or last
    return text.replace("{name}", last).replace("{stem}", stem)
