"""Terms of the glossary that every page may use: data, networks, learning, judging a model."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """One entry: its name, what it is, what a good value is ("" if there is none), one reference."""

    title: str
    what: str
    good: str = ""
    reference: str = ""

    @property
    def text(self) -> str:
        """Everything but the name, as one paragraph of Markdown."""
        source = f" *{self.reference}.*" if self.reference else ""
        return " ".join(part for part in (self.what, self.good) if part) + source


COMMON: dict[str, dict[str, Term]] = {
    "Data and networks": {
        "mnist": Term(
            "MNIST, EMNIST",
            "Handwriting that is often used to compare methods, at 28×28 pixels. MNIST: 70,000 digits."
            " EMNIST: digits and letters of the same American forms (NIST Special Database 19).",
            "",
            "LeCun et al. 1998; Cohen et al. 2017, arXiv:1702.05373",
        ),
        "given-labels": Term(
            "Given labels, mended labels",
            "Given: the labels as they came with the data set. Mended: those with the corrections that"
            " people have made to them here.",
            "A run says which of the two it was trained on.",
        ),
        "journal": Term(
            "Label journal",
            "The list of all changes of a data set's labels made here, each with its number, who made it and"
            " when. Mended labels as of entry 8 are the given ones with the first eight changes.",
        ),
        "hash": Term(
            "Settings hash, data fingerprint",
            "Short codes that are computed from every setting that decides a result (the seed is one), and from"
            " all images and labels of a data set. Where both are the same, two figures were made from the same"
            " images by the same settings.",
        ),
        "pooled": Term(
            "Pooled data sets",
            "Several data sets that are trained on as one, written with a plus: `digits+mnist`.",
        ),
        "linear": Term(
            "Linear classifier",
            "Weighs each number of an image's embedding once for each class and names the class with the"
            " highest sum. It alone is fitted to labels: the network that made the embedding"
            " stays as it is.",
            "",
            "Alain & Bengio 2016, arXiv:1610.01644",
        ),
        "polarity": Term(
            "Polarity",
            "Whether ink is dark on light paper or light on dark. Models see characters light on dark,"
            " whichever way they were written.",
        ),
        "recipe": Term(
            "Recipe, run, seed",
            "A recipe is everything that decides a training: data, network, settings. Training it once is"
            " a run. The seed starts its random numbers: runs that differ by the seed alone show how"
            " much of a difference is chance.",
        ),
        "convnet": Term(
            "Convolutional network (convnet, CNN)",
            "A network that looks for the same small patterns all over an image, layer by layer: strokes"
            " first, then corners and loops, then characters. ResNet and glyphnet are of this kind.",
            "",
            "LeCun et al. 1998; He et al. 2016, arXiv:1512.03385",
        ),
        "softmax": Term(
            "Softmax, probabilities",
            "Turns a network's outputs, one number (logit) for each class, into shares that add up to"
            " 100%.",
            "They are the chances of being right only as far as the model is calibrated.",
        ),
        "descriptors": Term(
            "Descriptors",
            "Numbers that describe an image without knowing its label: the directions of its strokes and,"
            " of handwriting, an embedding by a network that was trained on other characters.",
            "",
            "Dalal & Triggs 2005",
        ),
        "parameters": Term(
            "Parameters, weights",
            "The numbers of a network that training changes: how strongly each unit counts for the next ones.",
            "More can learn more, and take longer.",
        ),
        "filters": Term(
            "First-layer filters",
            "The small patterns that a network's first layer looks for all over an image, shown as pictures.",
            "",
            "Zeiler & Fergus 2014, arXiv:1311.2901",
        ),
        "saliency": Term(
            "Saliency map",
            "Which pixels of an image speak for a class, and which against it, by what the network"
            " computes. Integrated gradients add up each pixel's effect on that class's output on the way"
            " from a blank page to the image.",
            "",
            "Springenberg et al. 2015, arXiv:1412.6806; Sundararajan et al. 2017, arXiv:1703.01365",
        ),
        "yaml": Term(
            "YAML",
            "A way to write settings as text, a name and a value in each line. What the form of a recipe or a"
            " sweep shows can be read and changed as YAML too, and is kept as that.",
        ),
        "onnx": Term(
            "ONNX, safetensors",
            "Files of a trained model. ONNX holds the network and its weights, so that other programs can run"
            " it without this lab; safetensors holds the weights, for PyTorch.",
        ),
    },
    "Learning": {
        "batch": Term(
            "Batch size, step",
            "How many images a network sees before its weights change. One such change is a step; an"
            " epoch has as many steps as there are batches.",
        ),
        "optimizer": Term(
            "Optimizer",
            "How the weights follow from the gradients of the loss: SGD takes steps of the learning rate,"
            " AdamW one for each weight by its earlier gradients.",
            "",
            "Loshchilov & Hutter 2019, arXiv:1711.05101",
        ),
        "epoch": Term(
            "Epoch",
            "One pass over the training images in random order. Those left over once the last full batch"
            " is made, other ones in each epoch, are left out; where an epoch has fewer than ten batches,"
            " none is.",
        ),
        "loss": Term(
            "Loss",
            "What training minimises. The cross-entropy is the mean of −log(probability given to"
            " the right class).",
            "0 is perfect; guessing among ten classes gives 2.3.",
            "Goodfellow, Bengio & Courville, Deep Learning, 2016, chapter 6",
        ),
        "validation": Term(
            "Validation images",
            "Images that are kept out of training, by which a recipe chooses between its epochs and a person"
            " between settings. Where a choice was made by them, accuracy on them is slightly too high; a"
            " recipe that keeps its last epoch (`select: last`) makes none.",
        ),
        "splits": Term(
            "Split seed, stratified",
            "Images are held out by a random draw; its seed is the split seed, and the same seed holds"
            " out the same images. Stratified: each class gives the same share.",
        ),
        "test": Term(
            "Test images",
            "Images that took no part in training nor in any choice. Only accuracy on them says how well"
            " a model reads new images.",
        ),
        "overfitting": Term(
            "Overfitting",
            "Accuracy on training images is above that on others: the network has memorised some of"
            " them.",
            "A small gap is normal; one that grows while validation gets worse is not.",
        ),
        "patience": Term(
            "Early stopping, patience",
            "Training ends before its last epoch once validation has not improved for as many epochs as the"
            " patience. Without a patience all epochs are trained.",
        ),
        "learning-rate": Term(
            "Learning rate",
            "How far each step changes the weights. Too small is slow, too large diverges. The"
            " one-cycle schedule rises to it and falls again.",
            "",
            "Smith 2018, arXiv:1803.09820",
        ),
        "pretraining": Term(
            "Pretraining and fine-tuning",
            "Training that starts from the weights of a network that has learned another task. It"
            " helps most where images are few.",
            "",
            "Yosinski et al. 2014, arXiv:1411.1792",
        ),
        "augmentation": Term(
            "Augmentation",
            "Random small changes to each training image (rotated, shifted, thickened), so that the"
            " network learns to ignore them.",
            "",
            "Simard, Steinkraus & Platt 2003",
        ),
        "ema": Term(
            "Weight averaging (EMA)",
            "The saved weights are a moving average of those during training, which is steadier than"
            " the last step.",
            "",
            "Polyak & Juditsky 1992",
        ),
        "sweep": Term(
            "Sweep, TPE, pruning",
            "A search for better settings trial by trial. TPE proposes values like those of good"
            " trials; pruning ends trials that lag behind the others.",
            "",
            "Bergstra et al. 2011; Akiba et al. 2019",
        ),
        "importance": Term(
            "Importance of a setting",
            "The share of a sweep's variation, over its search space, that goes with this setting alone, as"
            " a random forest fitted to the finished trials predicts it (fANOVA). Interactions: the rest,"
            " which goes with several settings together there; with few trials the forest's own roughness"
            " is part of it.",
            "",
            "Hutter, Hoos & Leyton-Brown 2014",
        ),
    },
    "Judging a model": {
        "accuracy": Term(
            "Accuracy",
            "The share of images whose likeliest class is the right one.",
            "Guessing among K classes gives 1/K.",
        ),
        "top-3": Term(
            "Top 3",
            "The share of images whose right class is among the three likeliest. Where classes look"
            " alike, as O, o and 0, this shows what a reader with context would get right.",
        ),
        "interval": Term(
            "95% interval",
            "The range in which the accuracy on images like these lies, as far as so many images can"
            " tell. With ten times the images it is a third as wide. Of the mean of several seeds: the wider"
            " of that and Student's t interval over the runs (seeds or splits).",
            "",
            "Wilson 1927",
        ),
        "mcnemar": Term(
            "McNemar's test",
            "Compares two models on the same images by those that only one of them gets right. p is"
            " the exact probability of a split at least this uneven if both were equally good.",
            "Below 0.05 the difference is called significant.",
            "McNemar 1947",
        ),
        "welch": Term(
            "Welch's test",
            "Compares the means of several seeds of two recipes, whose spreads may differ.",
            "p below 0.05: they differ by more than seeds do.",
            "Welch 1947",
        ),
        "calibration": Term(
            "Calibration error (ECE)",
            "The mean gap between a model's confidence and how often it is right.",
            "Below 1%, confidence and accuracy differ by less than one point on average.",
            "Guo et al. 2017, arXiv:1706.04599",
        ),
        "temperature": Term(
            "Temperature",
            "One number by which a model's outputs are divided before they become probabilities,"
            " chosen on validation images, so that it is neither over- nor underconfident.",
            "",
            "Guo et al. 2017, arXiv:1706.04599",
        ),
        "confusion": Term(
            "Confusion matrix",
            "How often images of each class (row) were classified as each class (column).",
            "All on the diagonal is perfect.",
        ),
        "recall": Term(
            "Recall, precision",
            "Of one class. Recall: the share of its images that are classified as it. Precision: the share"
            " of the images classified as it that are of it.",
            "100% is best for both.",
        ),
        "rising-loss": Term(
            "Rising loss",
            "The share of the validation loss's changes from epoch to epoch that went upwards, by size.",
            "0: it never rose, and the curve is smooth.",
        ),
    },
}
