"""Masks of a series -> one DICOM SEG: a binary segment for each lesion."""

from collections.abc import Mapping, Sequence

import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom import Dataset

from brainscan.dicom.coding import algorithm, code, lesion_name
from brainscan.dicom.report_identity import ReportIdentity, ReportObject
from brainscan.dicom.series_geometry import distance_mm, planes_of, state_geometry
from brainscan.dicom.source import SourceImage, is_multiframe
from brainscan.domain import RESEARCH_USE_STATEMENT, Lesion
from brainscan.series.label_volume import Labels
from brainscan.terminology import MORPHOLOGY


def segmentation(
    images: Sequence[SourceImage],
    labels: Mapping[int, Labels],
    lesions: Sequence[Lesion],
    identity: ReportIdentity,
) -> Segmentation:
    """Write the masks of a series as a segmentation that refers to its source images (PS3.3 A.51).

    Frames without a mask are left out of the object; the images they belong to are still named as its source.

    Args:
        images: The analyzed slices in the order of their positions: classic objects, or frames of one multi-frame one;
            with a common grid (`no_common_grid`). Their headers' geometry becomes what is measured.
        labels: (rows, columns) of segment numbers, 0 where there is none, by place in `images`; at least one.
        lesions: What the segments are, by number.
    """
    state_geometry(images)
    multiframe = is_multiframe(images[0].header)
    if multiframe:
        sources, further, pixels = [_of_frames(images)], None, _by_frame(images, labels)
    else:
        sources = [images[place].header for place in sorted(labels)]
        further = [image.header for place, image in enumerate(images) if place not in labels] or None
        pixels = np.stack([labels[place] for place in sorted(labels)])
    made = Segmentation(
        source_images=sources,
        pixel_array=pixels,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(lesion, identity) for lesion in lesions],
        content_label="BRAINSCAN",
        content_description=RESEARCH_USE_STATEMENT,
        further_source_images=further,
        **identity.series_arguments(ReportObject.SEGMENTATION, sources[0]),
    )
    if multiframe:
        _refer_to_frames(made, images)
    if distance_mm(planes_of(images)) is None:
        _leave_out_distance(made)
    identity.make_repeatable(made)
    return made


def _leave_out_distance(made: Segmentation) -> None:
    """highdicom states 1 mm where there is no distance to state."""
    for groups in (*made.SharedFunctionalGroupsSequence, *made.PerFrameFunctionalGroupsSequence):
        for measures in groups.get("PixelMeasuresSequence", []):
            measures.pop("SpacingBetweenSlices", None)


def _of_frames(images: Sequence[SourceImage]) -> Dataset:
    """The multi-frame object as if it held these frames alone: others may lie at the same places, such as of phase."""
    whole = images[0].header
    frames = whole.PerFrameFunctionalGroupsSequence
    header = Dataset()
    header.update(whole)
    header.file_meta = whole.file_meta
    for keyword in ("PerFrameFunctionalGroupsSequence", "NumberOfFrames"):
        header.pop(keyword, None)  # an element that is kept would be changed in the whole, too
    header.PerFrameFunctionalGroupsSequence = [frames[image.frame or 0] for image in images]
    header.NumberOfFrames = len(images)
    return header


def _by_frame(images: Sequence[SourceImage], labels: Mapping[int, Labels]) -> Labels:
    """(frames, rows, columns) of the frames of `_of_frames`."""
    first = next(iter(labels.values()))
    pixels = np.zeros((len(images), *first.shape), first.dtype)
    for place, label in labels.items():
        pixels[place] = label
    return pixels


def _refer_to_frames(made: Segmentation, images: Sequence[SourceImage]) -> None:
    """Number the frames that the segmentation is derived from as the object itself does, from 1."""
    for groups in made.PerFrameFunctionalGroupsSequence:
        for derivation in groups.get("DerivationImageSequence", []):
            for source in derivation.SourceImageSequence:
                source.ReferencedFrameNumber = (images[source.ReferencedFrameNumber - 1].frame or 0) + 1


def _segment(lesion: Lesion, identity: ReportIdentity) -> SegmentDescription:
    name = lesion.tumor_class
    return SegmentDescription(
        segment_number=lesion.number,
        segment_label=f"{name.label} {lesion.number}",
        segmented_property_category=code(MORPHOLOGY),
        segmented_property_type=code(name.concept),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm(identity.model_id),
        tracking_uid=identity.tracking_uid(lesion_name(lesion)),
        tracking_id=lesion_name(lesion),
        anatomic_regions=[code(name.site)],
        display_color=CIELabColor.from_string(name.color),
    )
