"""The promises that every record on the wire keeps."""

import importlib
import inspect
import pkgutil

import pytest
from pydantic import ValidationError

import acre.wire
from acre.wire.clusters import ClusterGrant, ClusterRequest
from acre.wire.errors import ErrorCode, Refusal
from acre.wire.people import NewPerson
from acre.wire.record import Record


def every_record() -> list[type[Record]]:
    modules = [importlib.import_module(f"acre.wire.{found.name}") for found in pkgutil.iter_modules(acre.wire.__path__)]
    classes = [value for module in modules for _, value in inspect.getmembers(module, inspect.isclass)]
    return sorted({cls for cls in classes if issubclass(cls, Record)} - {Record}, key=lambda cls: cls.__name__)


def test_there_are_records():
    assert {"ClusterGrant", "ClusterRequest", "Person", "Refusal"} <= {record.__name__ for record in every_record()}


@pytest.mark.parametrize("record", every_record(), ids=lambda record: record.__name__)
def test_a_record_refuses_fields_that_nobody_knows(record):
    with pytest.raises(ValidationError) as refused:
        record.model_validate({"nobody_knows_this": 1})
    assert "extra_forbidden" in {problem["type"] for problem in refused.value.errors()}


@pytest.mark.parametrize("record", every_record(), ids=lambda record: record.__name__)
def test_a_record_cannot_be_changed(record):
    made = record.model_construct()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(made, next(iter(record.model_fields)), "changed")


def test_a_record_survives_the_journey():
    sent = ClusterGrant(engine="dask", workers=2, cores=1, place="local", reason="This machine has 2 cores.")
    assert ClusterGrant.model_validate_json(sent.model_dump_json()) == sent


@pytest.mark.parametrize("workers", [0, -1, 100_001, 2.5, "many"])
def test_a_senseless_number_of_workers_is_refused(workers):
    with pytest.raises(ValidationError, match="workers"):
        ClusterRequest(engine="dask", workers=workers)


@pytest.mark.parametrize(("engine", "place"), [("spark", None), ("dask", "moon")])
def test_an_engine_or_place_that_does_not_exist_is_refused(engine, place):
    with pytest.raises(ValidationError):
        ClusterRequest(engine=engine, workers=1, place=place)


def test_a_request_without_a_place_leaves_the_choice_to_the_hub():
    assert ClusterRequest(engine="ipyparallel", workers=4).place is None


def test_a_new_person_is_no_administrator_unless_asked():
    assert NewPerson(name="maria").admin is False


def test_a_code_travels_as_its_plain_word():
    assert Refusal(code=ErrorCode.NOT_ALLOWED, message="No.").model_dump(mode="json")["code"] == "not_allowed"


def test_a_code_that_does_not_exist_is_refused():
    with pytest.raises(ValidationError):
        Refusal.model_validate({"code": "because", "message": "No."})
