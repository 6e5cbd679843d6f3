"""Functions are found, loaded and told about their surroundings as the template says."""

from pathlib import Path

import pytest

from brainscan_local import functions
from brainscan_local.template import FunctionSpec, Template, TemplateError

HEAD = """
Transform: AWS::Serverless-2016-10-31
Resources:
"""

FUNCTION = """
  {name}:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: {handler}
      CodeUri: {folder}
      Timeout: 7
      Environment: {{Variables: {{{variables}}}}}
"""


def template(folder: Path, *described: str) -> Template:
    (folder / "template.yaml").write_text(HEAD + "".join(described))
    return Template(folder / "template.yaml")


def function(name: str, variables: str = "", handler: str = "handler.obey", folder: str = "code") -> str:
    return FUNCTION.format(name=name, handler=handler, folder=folder, variables=variables)


def nothing(logical_id: str, attribute: str) -> str:
    raise AssertionError(f"{logical_id}.{attribute} was asked for")


def spec(folder: Path, text: str, name: str = "Reader") -> FunctionSpec:
    """A function whose module is `text`."""
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "handler.py").write_text(text)
    return template(folder, function(name)).functions()[0]


def test_a_function_is_called_with_its_event_and_a_deadline(tmp_path: Path) -> None:
    text = "def obey(event, context): return event, context.get_remaining_time_in_millis(), context.aws_request_id"
    loaded = functions.load(spec(tmp_path, text))
    event, left_ms, request = loaded.invoke({"a": 1})
    assert event == {"a": 1}
    assert 0 < left_ms <= 7000
    assert request != loaded.invoke({})[2]


def test_two_functions_have_modules_of_their_own_whatever_those_are_called(tmp_path: Path) -> None:
    first = functions.load(spec(tmp_path, "def obey(event, context): return __name__", "First"))
    second = functions.load(spec(tmp_path, "def obey(event, context): return __name__", "Second"))
    assert first.invoke({}) != second.invoke({})


def test_a_missing_module_or_handler_is_named(tmp_path: Path) -> None:
    without_module = template(tmp_path, function("Reader", folder="nowhere")).functions()[0]
    with pytest.raises(TemplateError, match=r"Reader: there is no .*nowhere/handler\.py"):
        functions.load(without_module)
    with pytest.raises(TemplateError, match="has no obey"):
        functions.load(spec(tmp_path, "def listen(event, context): ..."))


def test_variables_of_all_functions_come_together(tmp_path: Path) -> None:
    described = template(tmp_path, function("A", "SHARED: same, X: 1"), function("B", "SHARED: same, Y: two"))
    merged = functions.environment_of(described.functions(), described, nothing)
    assert merged == {"SHARED": "same", "X": "1", "Y": "two"}


def test_functions_that_disagree_about_a_variable_are_refused(tmp_path: Path) -> None:
    described = template(tmp_path, function("A", "NAME: one"), function("B", "NAME: two"))
    with pytest.raises(TemplateError, match="NAME differs"):
        functions.environment_of(described.functions(), described, nothing)


def test_lambdas_task_root_is_the_functions_folder(tmp_path: Path) -> None:
    described = template(tmp_path, function("A", "MODEL: /var/task/model, OTHER: /var/tasks"))
    merged = functions.environment_of(described.functions(), described, nothing)
    assert merged == {"MODEL": str(tmp_path / "code/model"), "OTHER": "/var/tasks"}


def test_an_image_is_loaded_from_beside_its_dockerfile(tmp_path: Path) -> None:
    image = """
  Analyze:
    Type: AWS::Serverless::Function
    Metadata: {Dockerfile: analyze/Dockerfile, DockerContext: .}
    Properties: {PackageType: Image, ImageConfig: {Command: [app.answer]}}
"""
    [found] = template(tmp_path, image).functions()
    assert (found.folder, found.handler) == (tmp_path / "analyze", "app.answer")


def test_a_function_that_names_no_handler_is_refused_with_the_remedy(tmp_path: Path) -> None:
    image = """
  Analyze:
    Type: AWS::Serverless::Function
    Metadata: {Dockerfile: analyze/Dockerfile, DockerContext: .}
    Properties: {PackageType: Image}
"""
    with pytest.raises(TemplateError, match=r"ImageConfig\.Command"):
        template(tmp_path, image).functions()


def test_disabled_metrics_are_dropped_and_never_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    text = """
from brainscan.observability import measure_messages

def obey(event, context):
    measure_messages("reader", [0] * 60)
"""
    loaded = functions.load(spec(tmp_path, text))
    for _ in range(3):
        loaded.invoke({})
    assert capsys.readouterr().out == ""
