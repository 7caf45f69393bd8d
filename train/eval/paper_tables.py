"""The figures that the paper reports, table by table, as its text prints them.

Source: Zhan et al., "Self-Supervised Learning via Conditional Motion Propagation" (CVPR 2019),
tables 1 to 4 and sections 4, 4.1 and 4.2. Of figures 4 and 5 the text prints only what stands here;
their other points are drawn, and not read off the drawing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

DRAWN: Final = "drawn"
"""Stands for a point of a figure that the paper draws, and whose number it does not print."""


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """A row of a table.

    Attributes:
        label: As the paper has it.
        values: The reported figures, in % unless the column says otherwise; `DRAWN` where the paper
            prints none.
        method: Which pretraining this code base's runs of it have: ``imagenet``, ``random``,
            ``pathak``, ``walker``, ``mahendran`` or ``cmp``; empty where it can't run it.
    """

    label: str
    values: tuple[str, ...]
    method: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures, and which of this project's runs belong into it.

    Attributes:
        title: For people.
        task: ``voc``, ``coco`` or ``lip``.
        layout: ``data.layout`` of the runs.
        score: Of their scores.
    """

    title: str
    task: str
    layout: str
    score: str


@dataclass(frozen=True, slots=True)
class ReportedTable:
    """A table of the paper.

    Attributes:
        title: Number and subject.
        columns: Of figures.
        rows: As reported.
        encoder: Whose runs belong into it: ``alexnet`` or ``resnet50``.
        notes: What a reader must know.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[ReportedRow, ...]
    encoder: str
    notes: tuple[str, ...] = field(default=())


_VOC: Final = Column("VOC12 seg., mIoU", "voc", "voc", "miou")

TABLE_1: Final = ReportedTable(
    "Table 1. PASCAL VOC 2012 semantic segmentation, AlexNet",
    (_VOC,),
    (
        ReportedRow("Krizhevsky et al. [14], ImageNet labels", ("48.0",), "imagenet"),
        ReportedRow("Random", ("19.8",), "random"),
        ReportedRow("Pathak et al. [29], in-painting", ("29.7",)),
        ReportedRow("Zhang et al. [34], colorization", ("35.6",)),
        ReportedRow("Zhang et al. [35], split-brain", ("36.0",)),
        ReportedRow("Noroozi et al. [25], counting", ("36.6",)),
        ReportedRow("Noroozi et al. [24], jigsaw", ("37.6",)),
        ReportedRow("Noroozi et al. [26], jigsaw++", ("38.1",)),
        ReportedRow("Jenni et al. [13], spot-artifacts", ("38.1",)),
        ReportedRow("Larsson et al. [15], colorization", ("38.4",)),
        ReportedRow("Gidaris et al. [8], rotation", ("39.1",)),
        ReportedRow("Pathak et al. [28]†, video-seg", ("39.7",), "pathak"),
        ReportedRow("Walker et al. [31]†, flow prediction", ("40.4",), "walker"),
        ReportedRow("Mundhenk et al. [23], context", ("40.6",)),
        ReportedRow("Mahendran et al. [20], flow similarity", ("41.4",), "mahendran"),
        ReportedRow("CMP (ours)", ("44.5",), "cmp"),
    ),
    "alexnet",
    ("† reimplemented by the paper's authors",),
)

TABLE_2: Final = ReportedTable(
    "Table 2. VOC 2012 semantic segmentation and COCO 2017 instance segmentation, ResNet-50",
    (
        _VOC,
        Column("COCO17 det., mAP", "coco", "coco", "box_ap"),
        Column("COCO17 seg., mAP", "coco", "coco", "mask_ap"),
    ),
    (
        ReportedRow("ImageNet [14]", ("69.0", "37.2", "34.1"), "imagenet"),
        ReportedRow("Random", ("42.4", "19.7", "18.8"), "random"),
        ReportedRow("Pathak [28]", ("54.6", "27.7", "25.8"), "pathak"),
        ReportedRow("Walker [31]", ("54.5", "31.5", "29.2"), "walker"),
        ReportedRow("CMP (ours)", ("59.0", "32.3", "29.8"), "cmp"),
    ),
    "resnet50",
)

TABLE_3: Final = ReportedTable(
    "Table 3. LIP human parsing, ResNet-50",
    (
        Column("LIP-Single, mIoU", "lip", "lip", "miou"),
        Column("LIP-Multiple, mIoU", "lip", "cihp", "miou"),
    ),
    (
        ReportedRow("ImageNet [14]", ("42.5", "55.4"), "imagenet"),
        ReportedRow("Random", ("32.5", "35.0"), "random"),
        ReportedRow("Pathak [28]", ("36.6", "50.9"), "pathak"),
        ReportedRow("Walker [31]", ("36.7", "52.5"), "walker"),
        ReportedRow("CMP (ours)", ("40.2", "52.9"), "cmp"),
        ReportedRow("CMP⋆ (ours)", ("42.9", "55.8"), "cmp with imagenet"),
    ),
    "resnet50",
    ("⋆ ensemble with the model pre-trained on ImageNet",),
)

TABLES: Final = (TABLE_1, TABLE_2, TABLE_3)

TABLE_4_TITLE: Final = "Table 4. Clicks against Polygon RNN++"
TABLE_4_COLUMNS: Final = ("model", "speed", "fail", "MC", "DC")
TABLE_4: Final = (
    ReportedRow("Polygon [2]", ("supervised", "17.6 s", "25/170", "no", "no")),
    ReportedRow("CMP (ours)", ("unsupervised", "10.2 s", "0/170", "yes", "yes")),
)
TABLE_4_NOTES: Final = (
    "MC, DC: multiply-connected and disconnected objects. Speed is a person's time for an object "
    "of COCO; no person was timed for this project.",
)

FIGURE_4_TITLE: Final = "Figure 4. Number of guidance points: VOC 2012 segmentation, AlexNet, mIoU"
FIGURE_4: Final = (
    ReportedRow("0 points (Walker et al. [31])", ("40.4",), "walker"),
    ReportedRow("13.5 points (K = 81, G = 200), the peak", ("44.5",), "cmp"),
)
FIGURE_4_NOTES: Final = (
    "Drawn for 0 to 200 points an image; the text tells these two, whose numbers are table 1's.",
)

FIGURE_5_STRIDES_TITLE: Final = (
    "Figure 5, left. Strides of the propagation nets: VOC 2012 segmentation, AlexNet, mIoU"
)
FIGURE_5_STRIDES: Final = (
    ReportedRow("{1}", (DRAWN,)),
    ReportedRow("{1,2}", (DRAWN,)),
    ReportedRow("{1,2,4}, the best", ("44.5",)),
    ReportedRow("{1,2,4,8}, worse than {1,2,4}", (DRAWN,)),
)
FIGURE_5_DATA_TITLE: Final = (
    "Figure 5, right. Million image-flow pairs: VOC 2012 segmentation, AlexNet, mIoU"
)
FIGURE_5_DATA: Final = (
    ReportedRow("0.32, 1/4 YFCC", (DRAWN,)),
    ReportedRow("0.63, 1/2 YFCC", (DRAWN,)),
    ReportedRow("1.26, YFCC", (DRAWN,)),
    ReportedRow("3.22, YFCC + YouTube9K", ("44.5",)),
)
FIGURE_5_NOTES: Final = (
    "The paper draws the other points and prints no number for them; the axis of the plot of "
    "strides goes from 43.25 to 44.50 %.",
)
FIGURE_5_FRACTIONS: Final = (0.098, 0.196, 0.391, 1.0)
"""``data.fraction`` of runs that belong to the rows of figure 5, right."""
