"""By which version of the deployment secret patients and uploaded objects are named: always by that of the first time.

So a patient's studies, the slices of a series and the versions of an object meet after a rotation as before it, and who
has an older version alone can look up nobody who was first seen later.
"""

from collections.abc import Callable
from datetime import datetime

from brainscan.dicom.header import Header
from brainscan.identity import Pseudonyms
from brainscan.pipeline.files import patient_key, study_key
from brainscan.services import Services
from brainscan.store.upload import Upload


def pseudonyms_of_upload(upload: Upload, services: Services) -> Pseudonyms:
    """What names an uploaded object, its versions, and the files in them.

    Raises:
        botocore.exceptions.ClientError: to be repeated.
    """
    return _pseudonyms_of(
        lambda each: each.object_id(upload.bucket, upload.key),
        lambda name: services.table.versions.latest(name) is not None,
        upload.received_at,
        services,
    )


def pseudonyms_of_patient(header: Header, received_at: datetime, services: Services) -> Pseudonyms:
    """What names a patient, and the studies and series of the patient; a study's own where no PatientID is stated.

    Raises:
        botocore.exceptions.ClientError: to be repeated.
    """
    queries = services.table.queries
    known_by = queries.of_patient if header.patient_id else queries.of_study

    def name_by(pseudonyms: Pseudonyms) -> str:
        if header.patient_id:
            return patient_key(header.patient_id, header.patient_id_issuer, pseudonyms)
        return study_key(header, pseudonyms)

    return _pseudonyms_of(name_by, lambda name: bool(known_by(name, limit=1).items), received_at, services)


def _pseudonyms_of(
    name_by: Callable[[Pseudonyms], str], is_known: Callable[[str], bool], at: datetime, services: Services
) -> Pseudonyms:
    versions = services.keyring.all
    if len(versions) == 1:
        return versions[0]
    by_name = {name_by(each): each for each in versions}
    return by_name[services.table.pseudonyms.choose(list(by_name), name_by(services.keyring.at(at)), is_known)]
