"""Work that ends its process at every receive, and at whichever call, is `failed` at last; its neighbours are not."""

import pytest

from brainscan.identity import Pseudonyms
from tests.chaos.deadly import deadly
from tests.chaos.faults import NONE, USUAL, Rates
from tests.chaos.shrink import holds
from tests.chaos.uploads import Upload, uploads
from tests.chaos.world import OURS, Scenario
from tests.making import png, zipped

DIGEST = Pseudonyms(OURS["BRAINSCAN_PSEUDONYM_SECRET"].encode()).digest


def neighbours(seed: int) -> list[Upload]:
    return uploads(seed, 10, 4.0)


@pytest.mark.parametrize("rates", [NONE, USUAL], ids=["quiet", "with faults"])
@pytest.mark.parametrize("at_call", [1, 4])
def test_a_scan_that_ends_every_process_before_it_can_say_anything_is_failed(rates: Rates, at_call: int) -> None:
    poison = Upload(90, 1.0, "loose/deadly.png", png(48, 3), 1, 1, poison=True)
    named = DIGEST("key", poison.key)
    with (
        deadly("Analyze", "ScanQueue", lambda body: body["source"]["key_digest"] == named, 9),
        deadly("Analyze", "RetryQueue", lambda body: body["source"]["key_digest"] == named, at_call),
    ):
        holds(Scenario(3, (*neighbours(3), poison), rates))


@pytest.mark.parametrize("at_call", [1, 5])
def test_an_upload_that_ends_every_intake_is_a_failed_export(at_call: int) -> None:
    poison = Upload(90, 1.0, "loose/deadly.png", png(48, 3), 1, 0, poison=True)
    with deadly("Intake", "UploadQueue", lambda body: "deadly" in str(body.get("Records")), at_call):
        holds(Scenario(3, (*neighbours(3), poison), NONE))


def test_a_part_that_ends_every_intake_fails_its_export_and_no_other_part() -> None:
    archive = zipped({f"{place}.png": png(48, place) for place in range(14)})
    poison = Upload(90, 1.0, "exports/deadly.zip", archive, 6 + 1 + 2, 6 + 2, poison=True)
    with deadly("Intake", "UploadQueue", lambda body: body.get("number") == 1 and body.get("stop") == 12):
        holds(Scenario(4, (*uploads(4, 6, 4.0, kinds=("png", "zip", "slice")), poison), NONE))
