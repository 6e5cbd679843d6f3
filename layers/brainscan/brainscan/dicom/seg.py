"""Masks of a series -> one DICOM SEG: a binary segment for each lesion."""

from collections.abc import Mapping, Sequence

import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom import Dataset

from brainscan.dicom.coding import algorithm, code, lesion_name
from brainscan.dicom.measured import state_geometry
from brainscan.dicom.source import SourceImage, first_of_each_file, is_multiframe
from brainscan.dicom.stamp import ReportObject, Stamp
from brainscan.domain import RESEARCH_USE_STATEMENT, Lesion
from brainscan.series.label_volume import Labels
from brainscan.terminology import MORPHOLOGY


def segmentation(
    images: Sequence[SourceImage],
    labels: Mapping[int, Labels],
    lesions: Sequence[Lesion],
    stamp: Stamp,
) -> Segmentation:
    """Write the masks of a series as a segmentation that refers to its source images (PS3.3 A.51).

    Frames without a mask are left out of the object; the images they belong to are still named as its source.

    Args:
        images: The analyzed slices in the order of their positions: classic objects, or frames of one multi-frame one;
            with a common grid (`no_common_grid`). Their headers' geometry becomes what is measured.
        labels: (rows, columns) of segment numbers, 0 where there is none, by place in `images`; at least one.
        lesions: What the segments are, by number.
    """
    headers = first_of_each_file(images)
    state_geometry(images)
    if is_multiframe(headers[0]):
        sources, further, pixels = headers, None, _by_frame(images, labels)
    else:
        sources = [images[place].header for place in sorted(labels)]
        further = [image.header for place, image in enumerate(images) if place not in labels] or None
        pixels = np.stack([labels[place] for place in sorted(labels)])
    made = Segmentation(
        source_images=sources,
        pixel_array=pixels,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(lesion, stamp) for lesion in lesions],
        content_label="BRAINSCAN",
        content_description=RESEARCH_USE_STATEMENT,
        further_source_images=further,
        **stamp.series_arguments(ReportObject.SEGMENTATION, sources[0]),
    )
    stamp.make_repeatable(made)
    return made


def _by_frame(images: Sequence[SourceImage], labels: Mapping[int, Labels]) -> Labels:
    """(frames, rows, columns) of the multi-frame object, in its own order."""
    header: Dataset = images[0].header
    first = next(iter(labels.values()))
    pixels = np.zeros((int(header.NumberOfFrames), *first.shape), first.dtype)
    for place, label in labels.items():
        pixels[images[place].frame or 0] = label
    return pixels


def _segment(lesion: Lesion, stamp: Stamp) -> SegmentDescription:
    name = lesion.tumor_class
    return SegmentDescription(
        segment_number=lesion.number,
        segment_label=f"{name.label} {lesion.number}",
        segmented_property_category=code(MORPHOLOGY),
        segmented_property_type=code(name.concept),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm(stamp.model_id),
        tracking_uid=stamp.tracking_uid(lesion_name(lesion)),
        tracking_id=lesion_name(lesion),
        anatomic_regions=[code(name.site)],
        display_color=CIELabColor.from_string(name.color),
    )
