"""The figures and methods that pages show, explained in a few sentences each: what it is, what is
good, and where to read more. One text for tooltips, popovers, the page *Glossary* and the
documentation.
"""

from __future__ import annotations

from app.terms import COMMON, Term
from engine.recognition.confusables import GROUPS, groups_in_words

SUBJECTS: dict[str, dict[str, Term]] = {
    **COMMON,
    "Embedding space": {
        "embedding": Term(
            "Embedding",
            "A vector (of 128 numbers in most networks here, of fewer in small ones and of 512 or more in a"
            " ResNet) by which a network describes"
            " an image. Images that it finds alike have vectors that point the same way.",
            "",
            "Schroff et al. 2015, arXiv:1503.03832",
        ),
        "similarity": Term(
            "Similarity",
            "The cosine of the angle between two embeddings: how alike a network finds two images. Images that"
            " look different can have nearly the same embedding.",
            "1: the same direction; 0: nothing in common.",
        ),
        "triplet": Term(
            "Triplet loss",
            "Training on three images at a time: two of one class should lie closer together than"
            " either to one of another class.",
            "",
            "Schroff et al. 2015, arXiv:1503.03832",
        ),
        "umap": Term(
            "UMAP, t-SNE, PCA",
            "Maps of a space of many dimensions in two or three. UMAP and t-SNE keep neighbours together;"
            " distances between far groups and sizes of groups mean little. PCA shows the space along the two"
            " or three directions in which it varies most.",
            "",
            "McInnes et al. 2018, arXiv:1802.03426; van der Maaten & Hinton 2008",
        ),
        "clusters": Term(
            "Clusters (HDBSCAN)",
            "Groups of points that lie densely on a map, found without labels; points between them are in none.",
            "",
            "Campello, Moulavi & Sander 2013",
        ),
        "trustworthiness": Term(
            "Trustworthiness of a map",
            "How far points that are neighbours on the map are so in the space too.",
            "1 is best; below 0.9 many neighbours on the map are not neighbours in the space.",
            "Venna & Kaski 2001",
        ),
        "knn": Term(
            "Nearest neighbours (kNN)",
            "An image gets the class of most of its k nearest training images. It judges an embedding"
            " without another classifier.",
            "",
            "Cover & Hart 1967",
        ),
        "task3": Term(
            "Task 3 (mnistTask3)",
            "The training set of one of the studies: MNIST's 60,000 digits with labels that are nearly all"
            " wrong, each naming a digit that the image is not. It was given up at 0 to 1% accuracy. Trained"
            " through its labels (complementary labels), a network reads MNIST all the same.",
            "The model `task3-recovered` was trained so; its card says how much of MNIST it reads.",
            "Ishida et al. 2017, arXiv:1705.07541",
        ),
        "precision-at-1": Term(
            "Precision@1",
            "The share of images whose nearest other image in the embedding is of their class.",
            "100% is best; neighbours drawn at random get the share of the class.",
            "Musgrave, Belongie & Lim 2020, arXiv:2003.08505",
        ),
        "r-precision": Term(
            "R-precision",
            "R is how many other images there are of an image's class. R-precision is the share of its R"
            " nearest images that are of that class, the mean over all images.",
            "100%: the nearest images of each are all those of its class; neighbours drawn at random among"
            " K classes of one size get 1/K.",
            "Musgrave, Belongie & Lim 2020, arXiv:2003.08505",
        ),
        "map-at-r": Term(
            "MAP@R (mean average precision at R)",
            "As R-precision, but their order counts: for each of the R nearest images that is of the image's"
            " class, the share of that class among those up to it; their sum divided by R, the mean over"
            " all images.",
            "100% is best; it is never above R-precision.",
            "Musgrave, Belongie & Lim 2020, arXiv:2003.08505",
        ),
        "verification": Term(
            "Verification: VAL at FAR 10⁻³",
            "Two images are taken for one class if their similarity is above a threshold. FAR (false accept"
            " rate): the share of pairs of different classes that are taken for one. VAL (validation rate):"
            " the share of pairs of one class that are. At the threshold at FAR 10⁻³ one in 1,000 pairs of"
            " different classes is taken for one.",
            "A VAL of 100% is best; similarities that say nothing have a VAL equal to the FAR, 0.1%.",
            "Schroff et al. 2015, arXiv:1503.03832",
        ),
        "auc": Term(
            "Verification AUC",
            "How probable it is that a random pair of images of one class is more similar than a random pair"
            " of different classes: the area under the curve of VAL over FAR, over all thresholds.",
            "1 is perfect, 0.5 is guessing.",
            "Hanley & McNeil 1982",
        ),
        "eer": Term(
            "Equal error rate",
            "Two images are taken for one class if their similarity is above a threshold. At one"
            " threshold the share of pairs of different classes that are taken for one equals the share of"
            " pairs of one class that are missed: it is that share.",
            "0 is perfect, 50% is guessing.",
        ),
        "rejection": Term(
            "Not sure: unlike the training images",
            "A network names one of its classes whatever it is shown. The canvas therefore asks a second,"
            " small classifier, which compares the drawing's embedding with those of the model's own images"
            " and of drawings of nothing that the lab made: invented characters, doodles, shapes; and how"
            " far the nearest training images are. What either doubts is not sure. It can do so once a model's"
            " training images were prepared (*Draw*, under *Nearest*); some models bring them.",
            "About 95 of 100 drawings of the model's own classes pass. Foreign characters that look"
            " like one of its classes are named too.",
            "Hendrycks, Mazeika & Dietterich 2019, arXiv:1812.04606; Lee et al. 2018, arXiv:1807.03888",
        ),
        "look-alikes": Term(
            "Look-alikes as one",
            "Characters that have one form once their size and place are unknown, such as o and O. A model that"
            f" confuses them is wrong about the name alone. They are counted as one in {len(GROUPS)} groups, of"
            f" which each model has those among its classes: {groups_in_words(GROUPS)}.",
            "The accuracy with look-alikes as one is never below the exact one.",
            "The letters that EMNIST merges: Cohen et al. 2017, arXiv:1702.05373",
        ),
        "one-shot": Term(
            "One-shot classification",
            "Telling 20 characters apart after seeing one example of each.",
            "People make 4.5% errors on Omniglot, guessing 95%.",
            "Lake, Salakhutdinov & Tenenbaum 2015",
        ),
    },
    "Label noise": {
        "noise-rate": Term(
            "Wrong labels, noise rate",
            "The share of images whose label is not their class, estimated from images and labels"
            " alone. The interval holds what the evidence allows.",
        ),
        "transition": Term(
            "Transition matrix T",
            "How often an image of each true class (row) was given each label (column).",
            "The identity: all labels are right.",
            "Patrini et al. 2017, arXiv:1609.03683",
        ),
        "regimes": Term(
            "Symmetric, class-dependent, complementary",
            "Kinds of noise: a wrong label is any other class; it depends on the true class (7"
            " labelled as 1); it names a class that the image does not belong to.",
            "",
            "Ishida et al. 2017, arXiv:1705.07541",
        ),
        "nats": Term(
            "Nats an image",
            "By how much labels that were held back are predicted better from the images than from"
            " the classes' frequencies (difference of log-likelihoods, natural logarithm).",
            "0: the images say nothing about the labels; log K is the most that K balanced classes"
            " allow.",
        ),
        "suspicion": Term(
            "Suspicion",
            "The estimated probability that an image's label is wrong, given the image and the label. It comes"
            " from networks that were not trained on the label and from the estimated kind of noise (T). How well"
            " it is calibrated is not known without true labels: of images at 30%, more or fewer than 30 of 100"
            " may be wrong.",
            "The list of suspects begins with the highest; of complementary labels, nearly all of which"
            " are wrong, with the lowest.",
        ),
        "average-precision": Term(
            "Average precision",
            "How pure the list of suspects is from its top down to the last wrong label.",
            "1: all wrong labels come first; a list in random order gets the noise rate.",
        ),
        "folds": Term(
            "Cross-validation, fold",
            "The images are dealt into equal parts, the folds. For each fold a network is trained on the others and"
            " predicts this one, so that every image is predicted by a network that did not see it.",
            "",
            "Stone 1974",
        ),
        "out-of-sample": Term(
            "Out of sample",
            "Predicted by a network that was not trained on that image's label, so that it can't have"
            " memorised it.",
            "",
            "Northcutt, Jiang & Chuang 2021, arXiv:1911.00068",
        ),
        "active-learning": Term(
            "What to label next",
            "Images from whose labels a model would learn most: those it is least sure of, or those"
            " unlike all labelled ones.",
            "",
            "Lewis & Gale 1994; Sener & Savarese 2018, arXiv:1708.00489",
        ),
    },
}
TERMS: dict[str, Term] = {key: term for terms in SUBJECTS.values() for key, term in terms.items()}


def as_markdown(words: str = "", level: int = 3) -> str:
    """The glossary, or those entries that hold all of `words`, as Markdown with headings from `level` on;
    "" where there are none.
    """
    wanted = words.casefold().split()
    parts: list[str] = []
    for subject, terms in SUBJECTS.items():
        found = [
            f"**{term.title}.** {term.text}"
            for term in terms.values()
            if all(word in f"{term.title} {term.text}".casefold() for word in wanted)
        ]
        if found:
            parts += [f"{'#' * level} {subject}", *found]
    return "\n\n".join(parts)
