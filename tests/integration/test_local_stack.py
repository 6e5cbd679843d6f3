"""The laptop stack treats functions as Lambda and SQS would; shown on small functions that do as a message tells."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from brainscan_local.stack import LocalStack, StackError

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31

Parameters:
  Greeting: {Type: String, Default: hello}

Globals:
  Function:
    Runtime: python3.12
    Handler: handler.obey
    Timeout: 100

Resources:
  Letters:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 600
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn, maxReceiveCount: 3}
  DeadLetters:
    Type: AWS::SQS::Queue
  Parcels:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 600
  UploadsBucket:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: Enabled}
      NotificationConfiguration:
        QueueConfigurations:
          - {Event: "s3:ObjectCreated:*", Queue: !GetAtt Parcels.Arn}
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: function
      MemorySize: 512
      Environment:
        Variables:
          GREETING: !Sub "${Greeting} from ${AWS::StackName}"
          LETTERS: !Ref Letters
          BESIDE_THE_CODE: /var/task/handler.py
      Events:
        Letters:
          Type: SQS
          Properties:
            Queue: !GetAtt Letters.Arn
            BatchSize: 25
            MaximumBatchingWindowInSeconds: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
  Carrier:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: function
      Events:
        Parcels:
          Type: SQS
          Properties: {Queue: !GetAtt Parcels.Arn}
"""

HANDLER = '''
import json
import os
from pathlib import Path

os.environ["GREETING"]  # known while the module loads, as on Lambda


def obey(event, context):
    """Note the batch, then do what its messages say."""
    batch = {
        "function": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "left_ms": context.get_remaining_time_in_millis(),
        "records": event["Records"],
    }
    with Path(__file__).with_name("batches.jsonl").open("a") as notes:
        notes.write(json.dumps(batch) + "\\n")
    bodies = [record["body"] for record in event["Records"]]
    counts = [int(record["attributes"]["ApproximateReceiveCount"]) for record in event["Records"]]
    if "raise once" in bodies and min(counts) == 1:
        raise RuntimeError("as told")
    if "nonsense once" in bodies and min(counts) == 1:
        return {"batchItemFailures": [{"itemIdentifier": "nobody"}]}
    failed = [record["messageId"] for record in event["Records"] if record["body"].startswith("fail")]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
'''


class Post:
    """A running stack of the template above, and hands to send messages and see what came of them."""

    def __init__(self, stack: LocalStack, folder: Path) -> None:
        self.stack = stack
        self._notes = folder / "function" / "batches.jsonl"

    def send(self, queue: str, *bodies: str) -> None:
        """Send all bodies at once, as far as SQS lets."""
        sqs = self.stack.client("sqs")
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies[start : start + 10])]
            sqs.send_message_batch(QueueUrl=self.stack.queue_url(queue), Entries=entries)

    def batches(self) -> list[dict[str, Any]]:
        """What the functions were called with since this was asked last."""
        self.stack.drain(timeout_s=60)
        lines = self._notes.read_text().splitlines() if self._notes.exists() else []
        self._notes.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def deliveries(self) -> list[tuple[str, int]]:
        """(body, receive count) of every message of those batches."""
        records = [record for batch in self.batches() for record in batch["records"]]
        return [(record["body"], int(record["attributes"]["ApproximateReceiveCount"])) for record in records]

    def dead(self) -> list[str]:
        """Take the bodies from the dead-letter queue."""
        sqs, url = self.stack.client("sqs"), self.stack.queue_url("DeadLetters")
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(message["Body"] for message in messages)


def write_post(folder: Path) -> None:
    """The template and its functions' code."""
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "function").mkdir()
    (folder / "function" / "handler.py").write_text(HANDLER)


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    folder = tmp_path_factory.mktemp("post")
    write_post(folder)
    with LocalStack(folder / "template.yaml", parameters={"Greeting": "moin"}, retry_delay_s=0.05) as stack:
        post = Post(stack, folder)
        post.batches()
        yield post


# -- what a function is called with


def test_a_function_gets_the_event_and_the_context_that_lambda_gives(post: Post) -> None:
    post.send("Letters", "fine")
    [batch] = post.batches()
    [record] = batch["records"]
    assert batch["function"] == "brainscan-Reader"
    assert batch["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:brainscan-Reader"
    assert batch["memory"] == 512
    assert 0 < batch["left_ms"] <= 100_000
    assert record["body"] == "fine"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == "arn:aws:sqs:us-east-1:123456789012:brainscan-Letters"
    assert record["awsRegion"] == "us-east-1"
    assert set(record) >= {"messageId", "receiptHandle", "md5OfBody", "messageAttributes"}
    wanted = {"ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"}
    assert set(record["attributes"]) >= wanted


def test_the_environment_is_the_templates(post: Post) -> None:
    assert os.environ["GREETING"] == "moin from brainscan"
    assert os.environ["LETTERS"] == post.stack.queue_url("Letters")
    assert Path(os.environ["BESIDE_THE_CODE"]).read_text() == HANDLER


def test_no_client_of_this_process_reaches_the_real_aws(post: Post) -> None:
    client = boto3.client("sts")
    assert client.meta.endpoint_url == post.stack.endpoint_url
    assert client.get_caller_identity()["Account"] == "123456789012"
    assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"


def test_a_batch_holds_more_than_one_receive_gives(post: Post) -> None:
    post.send("Letters", *(f"letter {number}" for number in range(30)))
    batches = post.batches()
    assert sum(len(batch["records"]) for batch in batches) == 30
    assert max(len(batch["records"]) for batch in batches) in range(11, 26)


# -- what becomes of the messages


def test_what_succeeds_is_deleted_and_what_fails_comes_again_until_the_dead_letter_queue(post: Post) -> None:
    post.send("Letters", "fine", "fail always", "fine too")
    deliveries = post.deliveries()
    assert sorted(deliveries) == [
        ("fail always", 1),
        ("fail always", 2),
        ("fail always", 3),
        ("fine", 1),
        ("fine too", 1),
    ]
    assert post.dead() == ["fail always"]
    assert post.stack.depth("Letters") == 0


def test_an_exception_brings_the_whole_batch_again(post: Post) -> None:
    post.send("Letters", "raise once", "neighbour")
    assert sorted(post.deliveries()) == [("neighbour", 1), ("neighbour", 2), ("raise once", 1), ("raise once", 2)]
    assert post.dead() == []


def test_a_response_that_names_a_stranger_brings_the_whole_batch_again(post: Post) -> None:
    post.send("Letters", "nonsense once", "neighbour")
    assert sorted(post.deliveries()) == [("neighbour", 1), ("neighbour", 2), ("nonsense once", 1), ("nonsense once", 2)]


def test_without_partial_responses_a_response_says_nothing(post: Post) -> None:
    post.send("Parcels", "fail")
    assert post.deliveries() == [("fail", 1)]


def test_an_upload_reaches_the_function_as_an_s3_event(post: Post, tmp_path: Path) -> None:
    (tmp_path / "scan one.png").write_bytes(b"pixels")
    assert post.stack.upload(tmp_path / "scan one.png") == "scan one.png"
    [(body, _)] = post.deliveries()
    [record] = json.loads(body)["Records"]
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["s3"]["object"]["key"] == "scan+one.png"
    assert record["s3"]["bucket"]["name"] == post.stack.uploads_bucket


def test_events_tell_the_versions_of_an_object_apart_and_in_order(post: Post) -> None:
    s3, bucket, key = post.stack.client("s3"), post.stack.uploads_bucket, "ward 3/a+b.png"
    versions = [s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"] for body in (b"old", b"new")]
    told = [json.loads(body)["Records"][0]["s3"]["object"] for body, _ in post.deliveries()]
    told.sort(key=lambda object_: object_["sequencer"])
    assert [object_["versionId"] for object_ in told] == versions
    assert {object_["key"] for object_ in told} == {"ward+3/a%2Bb.png"}


def test_drain_says_which_queue_is_still_at_work(post: Post) -> None:
    sqs, url = post.stack.client("sqs"), post.stack.queue_url("Letters")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=2)
    with pytest.raises(TimeoutError, match="'Letters': 1"):
        post.stack.drain(timeout_s=0.2)
    assert post.deliveries() == [("later", 1)]


def test_run_until_works_no_longer_than_needed(post: Post) -> None:
    asked: list[int] = []
    post.stack.run_until(lambda: asked.append(1) or len(asked) == 3, timeout_s=30)
    assert len(asked) == 3


# -- beginning and end


def test_a_stack_starts_with_s3s_test_event_and_leaves_the_environment_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_post(tmp_path)
    monkeypatch.setenv("AWS_PROFILE", "hospital")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.org")
    before = dict(os.environ)
    with LocalStack(tmp_path / "template.yaml") as stack:
        assert "AWS_PROFILE" not in os.environ
        assert boto3.client("s3").meta.endpoint_url == stack.endpoint_url
        [(body, _)] = Post(stack, tmp_path).deliveries()
        assert json.loads(body)["Event"] == "s3:TestEvent"
    assert dict(os.environ) == before


def test_a_function_that_lost_its_queue_is_reported_to_who_waits(tmp_path: Path) -> None:
    write_post(tmp_path)
    with LocalStack(tmp_path / "template.yaml") as stack:
        stack.client("sqs").delete_queue(QueueUrl=stack.queue_url("Parcels"))
        with pytest.raises(StackError, match="brainscan-Carrier no longer takes messages"):
            stack.run_until(lambda: False, timeout_s=60)
