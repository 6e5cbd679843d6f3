"""docs/conformance.md from the tables of the code: `python -m brainscan.gateway.conformance > docs/conformance.md`."""

import sys
from collections.abc import Iterable, Iterator
from typing import Final

from pydicom._uid_dict import UID_dictionary
from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.uid import UID, AllTransferSyntaxes, ExplicitVRLittleEndian, JPEGExtended12Bit

from brainscan.dicom.characters import UTF8
from brainscan.dicom.coding import MANUFACTURER
from brainscan.dicom.copied_text import EQUIPMENT, PATIENT_AND_STUDY
from brainscan.dicom.identifiers import IDENTIFIERS
from brainscan.dicom.mosaic import NUMBER_OF_IMAGES_IN_MOSAIC
from brainscan.dicom.origin import ORIGIN
from brainscan.dicom.pixels import PIXEL_KEYWORDS, RESCALE_KEYWORDS, VOI_KEYWORDS, has_decoder
from brainscan.dicom.relevance import (
    CAPTURED,
    CODED,
    CODED_REQUESTS,
    DESCRIPTIONS,
    QUANTITY,
    RAW_DATA_TYPE,
    REGIONS,
    REQUESTED,
)
from brainscan.dicom.repair import INTEGERS as OF_PIXELS
from brainscan.dicom.repair import NAMED_BY_META, SPACINGS
from brainscan.dicom.report_identity import SERIES_DESCRIPTIONS, SOP_CLASSES
from brainscan.dicom.source import CODES, COUNTS, FUNCTIONAL_GROUPS, GEOMETRY, SIZES, UIDS
from brainscan.dicom.technique import GROUPS, NUMBERS
from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.gateway.ai_results import AIR
from brainscan.gateway.node import (
    ASSOCIATIONS,
    CANNOT_UNDERSTAND,
    IDLE_S,
    MR_STORAGE,
    OUT_OF_RESOURCES,
    SUCCESS,
    VERIFICATION,
)
from brainscan.terminology import TumorClass

OF_FRAMES: Final = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
"""Functional groups that say how a frame's values are meant."""
OF_GROUPS: Final = (
    *FUNCTIONAL_GROUPS, *GROUPS, "FrameType", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
"""The others, and where they are."""
DESCRIBING: Final = (
    *OF_PIXELS, "PhotometricInterpretation", *RESCALE_KEYWORDS, *OF_FRAMES, "ModalityLUTSequence", *VOI_KEYWORDS,
)  # fmt: skip
"""What pixels are, and how they are shown."""
RELEVANCE: Final = (
    "Modality", "ImageType", "ComplexImageComponent", "VolumeBasedCalculationTechnique", "BodyPartExamined",
    *REGIONS, "FrameAnatomySequence", "CodeValue", "CodingSchemeDesignator", "CodeMeaning",
    "DerivationDescription", "DerivationCodeSequence", "DerivationImageSequence", "BurnedInAnnotation",
    *CAPTURED,
    "PhotometricInterpretation", "Manufacturer", "ManufacturerModelName",
    "ImageComments", *DESCRIPTIONS, *CODED, "RequestAttributesSequence", *REQUESTED, *CODED_REQUESTS,
    "RealWorldValueMappingSequence", *QUANTITY,
)  # fmt: skip
"""What decides whether an image is analyzed, and what a reader should check."""
PRIVATE: Final = {
    NUMBER_OF_IMAGES_IN_MOSAIC: "slices in a mosaic",
    RAW_DATA_TYPE: "magnitude, phase, real or imaginary",
}
"""Private attributes, and what they say."""

Row = tuple[str, ...]


def statement() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# DICOM conformance statement"
    yield ""
    yield "Written from the tables of the code: `make docs`. The sections are those of PS3.2, annex A."
    yield ""
    yield f"{RESEARCH_USE_STATEMENT} Nobody has certified this statement."
    yield from _overview()
    yield from _networking()
    yield from _media_and_characters()
    yield from _security()
    yield from _attributes()
    yield from _checklist()


def _overview() -> Iterator[str]:
    yield from _section("1 Overview")
    yield "brainscan takes brain MR images, as files, archives, media, or by C-STORE, and answers each series with:"
    yield ""
    rows = ((f"`{kind}.dcm`", _named(uid), "no", "SCU, by C-STORE or STOW-RS") for kind, uid in SOP_CLASSES.items())
    yield from _table(("object", "SOP class written", "read", "network service"), rows)
    yield ""
    yield "These are read. Any other object with pixels is judged by its Modality, or by its class where"
    yield "that says nothing. A secondary capture is analyzed, flagged, and not drawn; what brainscan made is skipped."
    yield ""
    received = {str(uid) for uid in MR_STORAGE}
    images = (
        (_named(UID(uid)), "SCP, by C-STORE" if uid in received else "none: as a file")
        for uid, (name, kind, _info, retired, _keyword) in UID_dictionary.items()
        if kind == "SOP Class"
        and not retired
        and "Spectroscopy" not in name
        and ("MR " in name or "Secondary Capture" in name)
        and "Storage" in name
    )
    yield from _table(("SOP class read", "network service"), images)


def _networking() -> Iterator[str]:
    yield from _section("2 Introduction")
    yield "AE is an application entity; the stack is what runs on AWS or a laptop; the gateway is"
    yield "`brainscan gateway`."
    yield from _section("3 Networking")
    yield from _subsection("3.1 Implementation model")
    yield "The gateway is an AE that receives images, and sends the stack's objects back. The stack has no"
    yield "AE of its own:"
    yield "it sends objects by DICOMweb, and serves none. See [the gateway](gateway.md) and [DICOM"
    yield "answers](dicom-answers.md)."
    yield from _subsection("3.2 AE specifications")
    rows = [("Verification", f"`{VERIFICATION}`", "SCP", "implicit and explicit VR little endian")]
    rows += [(uid.name, f"`{uid}`", "SCP", "every one that pydicom knows") for uid in MR_STORAGE]
    rows += [
        (uid.name, f"`{uid}`", "SCU, with `--return`", "that of the object, explicit VR little endian")
        for uid in SOP_CLASSES.values()
    ]
    yield from _table(("SOP class", "UID", "role", "transfer syntaxes"), rows)
    yield ""
    yield f"It accepts {ASSOCIATIONS} associations at a time and ends one that was silent for {IDLE_S} s."
    yield "Senders have to call"
    yield "it by its title; `--caller` bounds theirs. Asynchronous operations, extended and user identity"
    yield "negotiation are not"
    yield "used. Status of C-STORE:"
    yield ""
    statuses = [(f"{SUCCESS:04X}", "the image is on the disk"), (f"{OUT_OF_RESOURCES:04X}", "the disk took no more"),
            (f"{CANNOT_UNDERSTAND:04X}", "the data set cannot be read")]  # fmt: skip
    yield from _table(("status", "means"), statuses)
    yield ""
    yield "No Query/Retrieve, Worklist, MPPS, Storage Commitment, Print or UPS."
    yield from _subsection("3.3 DICOMweb")
    yield 'STOW-RS as user agent: one request a series, `multipart/related; type="application/dicom"`, by'
    yield "https with user"
    yield "and password. As origin server: none. QIDO-RS and WADO-RS: none. The [HTTP API](api.md) is no"
    yield "DICOMweb service."
    yield from _subsection("3.4 Configuration")
    yield "Title, port, address, callers and the PACS are options of `brainscan gateway`; the DICOMweb"
    yield "address is a parameter"
    yield "of the template."


def _media_and_characters() -> Iterator[str]:
    yield from _section("4 Media interchange")
    yield "Any DICOM file is read, with or without preamble and meta information, in any folder, ZIP or"
    yield "tar; a DICOMDIR for the"
    yield "files that it lists. No media are written but single files. Transfer syntaxes:"
    yield ""
    read = [uid for uid in AllTransferSyntaxes if _is_plain(uid) or has_decoder(uid)]
    yield from _table(("transfer syntax", "UID", "read", "written"), map(_syntax, read))
    yield ""
    yield "Images in any other are rejected as `unsupported_encoding`, and so is JPEG Extended of 12 bits."
    yield from _section("5 Character sets")
    yield f"Written: `{UTF8}`. Read, with and without code extensions (PS3.3 C.12.1.1.2); text that is"
    yield "against its stated set is"
    yield "read as UTF-8 where its bytes are, else as Latin-1:"
    yield ""
    yield ", ".join(f"`{each}`" for each in sorted(python_encoding) if each.startswith("ISO"))


def _is_plain(uid: UID) -> bool:
    """Whether its pixels are not compressed."""
    return not uid.is_compressed or uid.is_deflated


def _syntax(uid: UID) -> tuple[str, ...]:
    read = "8 bits" if uid == JPEGExtended12Bit else "yes"
    return uid.name, f"`{uid}`", read, "yes" if uid == ExplicitVRLittleEndian else "no"


def _security() -> Iterator[str]:
    yield from _section("6 Security")
    rows = (
        ("secure transport, DIMSE (PS3.15 B.1)", "not supported: keep PACS and gateway in one network"),
        ("secure transport, DICOMweb (PS3.15 B.11)", "https alone; TLS as Python's `ssl` and the server agree on"),
        (
            "Basic Application Level Confidentiality (PS3.15 E)",
            "`brainscan deidentify`, upload and gateway; method 113100 is recorded; pixels are looked at, not changed",
        ),
        ("digital signatures, encrypted media", "not supported; signatures are not carried over"),
        ("audit trail (PS3.15 A.5)", "not supported"),
    )
    yield from _table(("profile", "support"), rows)


def _attributes() -> Iterator[str]:
    yield from _section("7 Attributes")
    yield from _subsection("7.1 Needed to be analyzed")
    yield f"`Rows`, `Columns`, and {' or '.join(f'`{each}`' for each in PIXEL_KEYWORDS)}."
    yield from _subsection("7.2 Needed for objects in answer")
    meta = ", ".join(
        f"`{name}` may be in the meta information alone (`{repeated}`)" for name, repeated in NAMED_BY_META.items()
    )
    yield f"{_listed(IDENTIFIERS)}; {meta}. The segmentation also needs positions and spacing."
    yield from _subsection("7.3 Read if they are there")
    yield "In the form of the standard, or in another that says the same; a value that cannot be read"
    yield "counts as absent. Every"
    yield "other attribute is left unread, and may hold anything."
    yield ""
    nested = sorted({keyword for keywords in GROUPS.values() for keyword in keywords})
    rows = (
        ("patient and study", _listed(PATIENT_AND_STUDY)),
        ("identity", _listed((*UIDS, *CODES, *COUNTS, *SIZES, "SpecificCharacterSet"))),
        ("relevance", _listed(RELEVANCE)),
        ("geometry", _listed((*GEOMETRY, *SPACINGS, "PixelAspectRatio"))),
        ("technique", _listed((*NUMBERS, *nested))),
        ("device and weighting", _listed(ORIGIN)),
        ("frames", _listed(OF_GROUPS)),
        ("pixels", _listed(DESCRIBING)),
        ("private", "; ".join(_private(*where, means) for where, means in PRIVATE.items())),
    )
    yield from _table(("of", "attributes"), rows)
    yield from _subsection("7.4 Written")
    written = [
        (_vr(keyword), "copied; cut short or emptied where its VR does not allow the value")
        for keyword in PATIENT_AND_STUDY
    ]
    written += [(_vr(keyword), "copied, as contributing equipment") for keyword in EQUIPMENT]
    written += [
        (_vr("Manufacturer"), f"`{MANUFACTURER}`"),
        (_vr("SoftwareVersions"), "the model id"),
        (_vr("DeviceSerialNumber"), "the model id"),
    ]
    written += [(_vr("SeriesDescription"), ", ".join(f"`{each}`" for each in SERIES_DESCRIPTIONS.values()))]
    written += [
        (_vr("SpacingBetweenSlices"), "measured between positions, or left out"),
        (_vr("SliceThickness"), "measured between positions"),
    ]
    written += [
        (_vr("BurnedInAnnotation"), "`NO`: a picture in which text is found is not sent"),
        (_vr("ImageComments"), RESEARCH_USE_STATEMENT),
    ]
    yield from _table(("attribute", "value"), written)
    yield ""
    yield "No private attributes, classes or transfer syntaxes are written."
    yield from _subsection("7.5 Codes")
    coded = [(f"`{each}`", f"{each.concept.code} {each.concept.scheme.value} {each.concept.meaning}", each.site.meaning)
            for each in TumorClass if each is not TumorClass.NO_TUMOR]  # fmt: skip
    yield from _table(("class", "segmented property type", "anatomic region"), coded)


def _private(creator: str, group: int, element: int, means: str) -> str:
    return f"`({group:04X},xx{element:02X})` of {creator}: {means}"


def _checklist() -> Iterator[str]:
    yield from _section("8 IHE AI Results (AIR)")
    yield "What the profile asks of an Evidence Creator and those around it. No connectathon was attended."
    yield ""
    yield from _table(("asked", "met", "how"), ((asked, "yes" if met else "no", how) for asked, met, how in AIR))


def _section(title: str) -> tuple[str, ...]:
    return "", f"## {title}", ""


def _subsection(title: str) -> tuple[str, ...]:
    return "", f"### {title}", ""


def _table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    for cells in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(cells)} |"


def _named(uid: UID) -> str:
    return f"{uid.name}, `{uid}`"


def _listed(keywords: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in dict.fromkeys(keywords))


def _vr(keyword: str) -> str:
    tag = tag_for_keyword(keyword) or 0
    return f"`{keyword}` ({tag >> 16:04X},{tag & 0xFFFF:04X}) {dictionary_VR(tag)}"


if __name__ == "__main__":
    sys.stdout.write(statement())
