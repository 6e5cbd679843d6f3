"""The IHE Radiology profile AI Results (AIR): what it asks for, whether it is met, and how."""

from typing import Final

AIR: Final = (
    ("primitive results as DICOM SEG", True, "a binary segment a lesion: category, type, region, tracking UID"),
    (
        "measurements as SR of TID 1500",
        True,
        "Comprehensive 3D SR: area, volume, long and short axis, certainty, in UCUM",
    ),
    ("tracking identifier and UID of each result", True, "the same in SEG and SR, and over revisions"),
    ("device observer, algorithm identification", True, "`brainscan`, version the network's SHA-256; in SEG and SR"),
    ("reference to the images of a result", True, "by instance and frame, in SEG, SR and capture"),
    ("qualitative findings, TID 1501", True, "neoplasm absent, where nothing was found"),
    ("results in the study of their images", True, "a new series for each kind of object"),
    ("store by C-STORE [RAD-43]", True, "by the gateway, `--return`"),
    ("store by STOW-RS [RAD-108]", True, "by the stack, to an https address"),
    ("revised results supersede earlier ones", False, "another instance; no predecessor sequence, no rejection note"),
    ("parametric maps, key object selections", False, "none are written"),
    ("storage commitment [RAD-10]", False, "not asked for"),
    ("retrieve of inputs [RAD-16, RAD-107]", False, "images are sent to it; it asks for none"),
    ("worklist of AI workflow (AIW-I), UPS", False, "none: an upload or a C-STORE starts the analysis"),
    ("display of results (Image Display)", False, "the worklist page shows its own results, not those of others"),
    ("audit trail and node authentication (ATNA)", False, "none"),
)
"""What is asked of an Evidence Creator and of the actors around it."""
