"""The OpenAPI schema is correct and complete."""

import json
import subprocess
import sys

import jsonschema
import pytest
from django.core.management import call_command

from shop.tools.compose import ROOT
from visualsearch import exceptions
from visualsearch.api.request_serializers import SearchTextSerializer
from visualsearch.api.urls import urlpatterns
from visualsearch.exceptions import VisualSearchError

# Options of a search that a raw body cannot have.
OPTIONS = {"limit", "crop", "category", "visitor", "keep_photo"}


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    """The schema as published by the sample shop."""
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    call_command("spectacular", "--format", "openapi-json", "--file", str(path))
    return json.loads(path.read_text("utf-8"))


def operations(description):
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_description__is_valid_and_nothing_in_it_was_guessed():
    command = [sys.executable, "manage.py", "spectacular", "--validate", "--fail-on-warn"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("openapi: 3.1")


def test_description__has_every_address(description):
    assert len(description["paths"]) == len(urlpatterns)


def test_description__has_an_example_of_every_answer(description):
    for name, operation in operations(description):
        assert operation["description"], name
        for status, response in operation["responses"].items():
            content = response["content"]["application/json"]
            assert content["examples"], f"{name} {status}"


def test_description__its_examples_are_what_it_says(description):
    count = 0
    for _, operation in operations(description):
        for response in operation["responses"].values():
            content = response["content"]["application/json"]
            schema = {**content["schema"], "components": description["components"]}
            for example in content["examples"].values():
                jsonschema.validate(example["value"], schema)
                count += 1
    assert count > 100


def test_description__has_every_refusal(description):
    told = {
        example["value"]["errors"][0]["code"]
        for _, operation in operations(description)
        for status, response in operation["responses"].items()
        if int(status) >= 400
        for example in response["content"]["application/json"]["examples"].values()
    }
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    codes = {kind.code for kind in kinds if issubclass(kind, VisualSearchError)}
    assert codes <= told


def test_description__has_the_filters_of_the_shop(description):
    search = description["paths"]["/api/visual-search/search/"]["post"]
    types = {each["name"]: each["schema"]["type"] for each in search["parameters"]}
    assert types["color"] == "string"
    assert types["min_price"] == types["max_price"] == "number"


@pytest.mark.parametrize(("name", "options"), [("search", OPTIONS), ("classify", {"crop"})])
def test_description__has_the_photo_s_bytes_as_a_body(description, name, options):
    operation = description["paths"][f"/api/visual-search/{name}/"]["post"]
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = operation["requestBody"]["content"]
    assert content["image/*"] == content["application/octet-stream"] == binary
    told = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    assert options <= told


def test_description__every_body_is_required(description):
    bodies = [each["requestBody"] for _, each in operations(description) if "requestBody" in each]
    assert [body["required"] for body in bodies] == [True] * 4


def test_description__has_the_headers_of_limits(description):
    for name, operation in operations(description):
        for status, response in operation["responses"].items():
            assert {"RateLimit-Limit", "RateLimit-Remaining"} <= set(response["headers"]), name
            assert ("Retry-After" in response["headers"]) is (status in ("202", "429", "503"))


def test_description__has_a_photo_s_url_only_where_photos_are_fetched(configure):
    assert "image_url" not in SearchTextSerializer().fields
    assert SearchTextSerializer().fields["image"].required
    configure(FETCH_ORIGINS=["https://images.example.com"])
    assert "image_url" in SearchTextSerializer().fields
    assert not SearchTextSerializer().fields["image"].required


def test_description__has_the_key(description):
    assert description["components"]["securitySchemes"]["ApiKey"]["name"] == "X-Api-Key"
    for _, operation in operations(description):
        assert operation["security"] == [{"ApiKey": []}, {}]


def test_page__loads_nothing_from_elsewhere(client, db):
    page = client.get("/api/docs/").content.decode()
    assert "swagger" in page
    assert "http://" not in page.replace("http://testserver", "")
    assert "https://" not in page
