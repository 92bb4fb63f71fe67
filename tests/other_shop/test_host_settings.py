"""Turn the host project's settings the other way, one by one."""

from __future__ import annotations

import pytest

from tests.other_shop import settings

TOUR = """
    from tests.other_shop.tour import *
    fill()
    Tour({}).{}()
    print("done")
"""
ENGLISH = settings.MIDDLEWARE
LOCALE = "django.middleware.locale.LocaleMiddleware"
WITH_LOCALE = [*ENGLISH[:1], LOCALE, *ENGLISH[1:]]
DJANGO_TEMPLATES = settings.TEMPLATES[0]
JINJA = {"BACKEND": "django.template.backends.jinja2.Jinja2", "APP_DIRS": True, "DIRS": []}
FIRST = "tests.other_shop.middleware."
WITHOUT_ADMIN = [each for each in settings.INSTALLED_APPS if not each.endswith("contrib.admin")]
WITHOUT_USERS = [
    *("django.contrib.staticfiles", "tests.other_shop"),
    *("visualsearch", "rest_framework", "drf_standardized_errors"),
]
CONTEXT = ["django.template.context_processors.request"]


def templates(**options):
    return {**DJANGO_TEMPLATES, "OPTIONS": {**DJANGO_TEMPLATES["OPTIONS"], **options}}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            {"APPEND_SLASH": False, "MIDDLEWARE": ["django.middleware.common.CommonMiddleware"]},
            id="no slash is appended",
        ),
        pytest.param({"DATA_UPLOAD_MAX_MEMORY_SIZE": 1000}, id="small bodies"),
        pytest.param(
            {
                "FILE_UPLOAD_HANDLERS": [
                    "django.core.files.uploadhandler.TemporaryFileUploadHandler"
                ]
            },
            id="uploads on disk",
        ),
        pytest.param(
            {"TEMPLATES": [JINJA, templates(string_if_invalid="INVALID %s")]},
            id="Jinja first, and invalid variables shown",
        ),
        pytest.param(
            {
                "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
                "CSRF_USE_SESSIONS": True,
            },
            id="sessions in cookies, CSRF token in the session",
        ),
        pytest.param(
            {"CSRF_COOKIE_HTTPONLY": True, "CSRF_HEADER_NAME": "HTTP_X_OTHER"},
            id="CSRF token hidden from scripts",
        ),
        pytest.param(
            {
                "CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
                "VISUALSEARCH": {"THROTTLE": {"search": "60/min", "read": "60/min"}},
            },
            id="a cache that keeps nothing",
        ),
        pytest.param({"LOGGING_CONFIG": None}, id="no logging"),
        pytest.param(
            {"STATIC_URL": "https://cdn.example/s/", "MEDIA_URL": "https://cdn.example/m/"},
            id="files on another host",
        ),
        pytest.param(
            {
                "INSTALLED_APPS": [
                    each for each in settings.INSTALLED_APPS if "staticfiles" not in each
                ],
                "STATIC_URL": None,
            },
            id="no static files",
        ),
        pytest.param(
            {
                "REST_FRAMEWORK": {
                    "URL_FORMAT_OVERRIDE": None,
                    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
                    "PAGE_SIZE": 2,
                    "DEFAULT_FILTER_BACKENDS": ["rest_framework.filters.SearchFilter"],
                    "DATETIME_FORMAT": "%d",
                }
            },
            id="pages and formats of REST framework",
        ),
        pytest.param({"LANGUAGE_CODE": "fr", "USE_THOUSAND_SEPARATOR": True}, id="French"),
        pytest.param({"USE_I18N": False}, id="no translation"),
        pytest.param({"DEBUG": False}, id="production"),
        pytest.param(
            {"SECURE_CONTENT_TYPE_NOSNIFF": True, "X_FRAME_OPTIONS": "DENY", "MIDDLEWARE": [
                "django.middleware.security.SecurityMiddleware",
                "django.middleware.clickjacking.XFrameOptionsMiddleware",
            ]},
            id="security headers",
        ),
        pytest.param(
            {"MIDDLEWARE": [f"{FIRST}reads_the_form"]}, id="middleware that reads the form"
        ),
        pytest.param(
            {"MIDDLEWARE": [f"{FIRST}reads_the_body"], "DATA_UPLOAD_MAX_MEMORY_SIZE": 10_000_000},
            id="middleware that reads the body",
        ),
        pytest.param({"MIDDLEWARE": [f"{FIRST}only_async"]}, id="asynchronous middleware"),
        pytest.param(
            {
                "INSTALLED_APPS": [*settings.INSTALLED_APPS, "tests.other_shop.accounts"],
                "AUTH_USER_MODEL": "accounts.Customer",
            },
            id="users with UUIDs and without names",
        ),
        pytest.param(
            {"STORAGES": {
                "default": {"BACKEND": "tests.other_shop.storages.Bucket"},
                "staticfiles": {
                    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
                },
            }},
            id="pictures in a bucket",
        ),
        pytest.param(
            {"DEFAULT_AUTO_FIELD": "django.db.models.SmallAutoField"}, id="other keys of rows"
        ),
    ],
)  # fmt: skip
def test_setting__everything_works(run, other):
    middleware = [*other.pop("MIDDLEWARE", []), *ENGLISH]
    printed = run(TOUR.format("", "all"), {"MIDDLEWARE": middleware, **other})
    assert printed == "done"


def test_prefix__is_in_every_address(run):
    code = TOUR.format("prefix='/shop'", "all")
    assert run(code, {"FORCE_SCRIPT_NAME": "/shop"}) == "done"


def test_forwarded_host__is_in_links(run):
    code = """
        sell("A", 1), sell("B", 2)
        index()
        there = Client(headers={"X-Forwarded-Host": "shop.example"})
        answer = there.post("/api/visual-search/search/?limit=1", {"image": upload(1)}).json()
        print(answer["next"].partition("queries")[0], answer["results"][0]["image"][:20])
    """
    expected = "http://shop.example/api/visual-search/ http://shop.example/"
    assert run(code, {"USE_X_FORWARDED_HOST": True}) == expected


@pytest.mark.parametrize(
    ("urls", "api"),
    [("urls_translated", "/fr/api/visual-search/"), ("urls_partly_translated", "")],
)
def test_language_in_the_address__stays(run, urls, api):
    places = "page='/fr/search/photo/', admin='/fr/admin/'" + (f", api={api!r}" if api else "")
    other = {"ROOT_URLCONF": f"tests.other_shop.{urls}", "MIDDLEWARE": WITH_LOCALE}
    assert run(TOUR.format(places, "all"), other) == "done"


def test_language_in_the_address__of_camera_errors_and_texts(run):
    code = """
        from django.template import engines
        from django.test import RequestFactory
        from django.utils import translation

        sell("A", 1)
        index()
        there = Client(headers={"Accept-Language": "en"})
        with translation.override("fr"):
            tag = "{% load visualsearch %}{% visual_search compact=True %}"
            camera = engines["django"].from_string(tag).render({}, RequestFactory().get("/fr/"))
        print('href="/fr/search/photo/"' in camera, 'results-url="/fr/search/photo/"' in camera)
        page = there.get("/fr/search/photo/").content.decode()
        print('<html lang="fr">' in page, 'language="fr"' in page)
        refused = there.post("/fr/search/photo/", {"image": upload(None)}).content.decode()
        print("Ce fichier n’est pas" in refused)
        api = there.post("/fr/api/visual-search/search/", {"image": upload(None)}).json()
        print(api["errors"][0]["detail"][:10])
    """
    other = {"ROOT_URLCONF": "tests.other_shop.urls_translated", "MIDDLEWARE": WITH_LOCALE}
    assert run(code, other).split("\n") == ["True True", "True True", "True", "Ce fichier"]


def test_admin_not_installed__customers_can_search(run):
    other = {"INSTALLED_APPS": WITHOUT_ADMIN, "ROOT_URLCONF": "tests.other_shop.urls_customers"}
    assert run(TOUR.format("", "customer"), other) == "done"


def test_users_not_installed__customers_can_search(run):
    other = {
        "INSTALLED_APPS": WITHOUT_USERS,
        "MIDDLEWARE": ["django.middleware.csrf.CsrfViewMiddleware"],
        "ROOT_URLCONF": "tests.other_shop.urls_customers",
        "TEMPLATES": [{**DJANGO_TEMPLATES, "OPTIONS": {"context_processors": CONTEXT}}],
    }
    assert run(TOUR.format("", "customer"), other) == "done"


def test_users_with_uuids__are_forgotten(run):
    code = """
        from tests.other_shop.accounts.models import Customer
        from visualsearch.models import Query, Run
        from visualsearch.reindex import runs
        sell("A", 1)
        index()
        ann, ben = [Customer.objects.create(email=f"{name}@x.org") for name in ("ann", "ben")]
        for customer in (ann, ben):
            client = Client()
            client.force_login(customer)
            client.post("/api/visual-search/search/", {"image": upload(1)})
        search(1)
        print(Query.objects.count())
        call_command("visualsearch_forget", f"--user={ann.pk.hex}")
        ben.delete()
        print(Query.objects.count())
        long = f"{'x' * 200}@example.com"
        print(len(runs.request(Run.Scope.ALL, by=long)[0].requested_by))
    """
    other = {
        "INSTALLED_APPS": [*settings.INSTALLED_APPS, "tests.other_shop.accounts"],
        "AUTH_USER_MODEL": "accounts.Customer",
    }
    assert run(code, other).split("\n") == ["3", "queries: 1", "1", "150"]
