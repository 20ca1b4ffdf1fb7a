"""The client against a sandbox, over real sockets: what it asks, as whom, and what a good answer becomes."""

from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from importlib.metadata import version

import pytest

from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.errors import TransientError
from openlib_assets.openlibrary.records import parse_json
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.settings import Settings
from openlib_assets.storage.errors import SettingsError
from openlib_assets_tests.conftest import settings_for
from openlib_assets_tests.openlibrary.served import WORKS, keys_of, page_of, sandbox_of, scripted, send


class TestAnswers:
    """What a good answer becomes."""

    def test_a_page_holds_the_works_asked_for_in_the_order_of_their_keys(self) -> None:
        with sandbox_of() as sandbox:
            page = Client(settings_for(sandbox)).page("love", offset=50, limit=20)
            assert page.keys == keys_of(sandbox)[50:]
            assert [parse_json(text)["key"] for text in page.payloads] == [f"/works/{key}" for key in page.keys]
            assert (page.offset, page.work_count) == (50, WORKS)

    def test_a_page_past_the_end_is_empty(self) -> None:
        with sandbox_of() as sandbox:
            page = Client(settings_for(sandbox)).page("love", offset=WORKS, limit=20)
            assert (page.keys, page.work_count) == ([], WORKS)

    def test_counting_fetches_no_works(self) -> None:
        with sandbox_of() as sandbox:
            assert Client(settings_for(sandbox)).work_count("love") == WORKS
            assert "limit=0" in sandbox.requests[0].query

    @pytest.mark.parametrize(
        "key",
        [
            "children's_stories_english",
            "person:sherlock_holmes",
            "théâtre",
            "科学小说",
            "a-b.c!~",
            "place:new_york_(n.y.)",
        ],
    )
    def test_every_subject_key_is_reached_at_its_address(self, key: str) -> None:
        with Sandbox(SandboxConfig({key: 3, "other": 5})) as sandbox:
            assert Client(settings_for(sandbox)).page(key, offset=0, limit=5).keys == keys_of(sandbox, key)
            assert len(sandbox.requests) == 1

    def test_the_subject_search_gives_keys_and_sizes(self) -> None:
        with Sandbox(SandboxConfig({"love": 7, "person:love": 3, "war": 2})) as sandbox:
            hits = Client(settings_for(sandbox)).search_subjects("Love", limit=10)
            assert [(hit["key"], hit["work_count"]) for hit in hits] == [
                ("/subjects/love", 7),
                ("/subjects/person:love", 3),
            ]


class TestIntroduction:
    """How requests present themselves, and which way they take."""

    def test_the_user_agent_names_program_and_version(self) -> None:
        with sandbox_of() as sandbox:
            Client(settings_for(sandbox)).work_count("love")
            assert sandbox.requests[0].user_agent == f"openlib_assets/{version('openlib-assets')}"

    def test_the_user_agent_names_the_contact_where_there_is_one(self) -> None:
        with sandbox_of() as sandbox:
            Client(settings_for(sandbox, contact="me@example.org")).work_count("love")
            assert sandbox.requests[0].user_agent == f"openlib_assets/{version('openlib-assets')} (me@example.org)"

    def test_a_proxy_of_the_environment_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []

        def proxy(handler: BaseHTTPRequestHandler) -> None:
            asked.append(handler.path)
            send(handler, b'{"work_count": 5, "works": []}')

        with scripted(proxy) as url:
            monkeypatch.setenv("HTTP_PROXY", url)
            settings = Settings(api_url="http://openlibrary.invalid", requests_per_second=1e6)
            assert Client(settings).work_count("love") == 5
        assert asked[0].startswith("http://openlibrary.invalid/subjects/love.json?")


class TestFallenCount:
    """A `work_count` below one already heard."""

    def test_a_count_that_fell_is_believed_when_a_second_answer_repeats_it(self) -> None:
        with sandbox_of() as sandbox:
            sandbox.remove_work("love", f"/works/{keys_of(sandbox)[0]}")
            client = Client(settings_for(sandbox))
            assert page_of(client, not_below=WORKS).work_count == WORKS - 1
            assert len(sandbox.requests) == 2

    def test_a_count_that_did_not_fall_is_believed_at_once(self) -> None:
        with sandbox_of() as sandbox:
            assert page_of(Client(settings_for(sandbox)), not_below=WORKS).work_count == WORKS
            assert len(sandbox.requests) == 1

    def test_counts_that_fall_each_time_to_another_number_are_not_believed(self) -> None:
        with sandbox_of() as sandbox:
            sandbox.on_request(lambda *_: sandbox.remove_work("love", f"/works/{keys_of(sandbox)[-1]}"))
            client = Client(settings_for(sandbox, retry_wait=0.001))
            with pytest.raises(TransientError, match=r"work_count fell from 60 to 48 \(12 tries\)$"):
                page_of(client, not_below=WORKS)


def test_threads_share_a_client_without_mixing_their_answers() -> None:
    with sandbox_of(works=400, latency=0.002) as sandbox, ThreadPoolExecutor(8) as threads:
        client = Client(settings_for(sandbox))
        keys = keys_of(sandbox)
        pages = threads.map(lambda offset: client.page("love", offset=offset, limit=4), range(0, 400, 4))
        assert [page.keys for page in pages] == [keys[offset : offset + 4] for offset in range(0, 400, 4)]
        assert client.traffic.requests == len(sandbox.requests) == 100


def test_the_address_of_a_subject_is_percent_encoded() -> None:
    client = Client(Settings(api_url="http://127.0.0.1:9"))
    url = client.subject_url("person:a'b_(c)é", limit=0)
    assert url == "http://127.0.0.1:9/subjects/person:a%27b_%28c%29%C3%A9.json?limit=0"


@pytest.mark.parametrize(
    "url", ["https://openlibrary.org", "http://www.OpenLibrary.org/", "https://openlibrary.org:443"]
)
def test_the_public_site_is_asked_with_a_contact_only(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^OPENLIB_CONTACT is not set: "):
        Client(Settings(api_url=url))
    Client(Settings(api_url=url, contact="me@example.org"))
    Client(Settings(api_url="https://openlibrary.example.org"))
