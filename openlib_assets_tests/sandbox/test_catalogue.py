"""The catalogue is as large, as messy and as repeatable as it should be, and can be changed while it is served."""

import time
import unicodedata
from collections import Counter

import pytest
import requests

from openlib_assets.sandbox import Sandbox, SandboxConfig, parse_subjects, subject_key
from openlib_assets.sandbox.catalogue.listing import Listing
from openlib_assets_tests.sandbox.asking import Answer, answer, without_availability


def test_served_works_are_the_works(sandbox: Sandbox) -> None:
    page = answer(sandbox, "/subjects/love.json?sort=key&limit=1000")

    assert without_availability(page["works"]) == list(sandbox.works("love"))
    assert [work["key"] for work in page["works"]] == sandbox.keys("love")
    assert any("availability" in work for work in sandbox.works("love", availability=True))


def test_the_same_seed_gives_the_same_bytes_but_for_loans() -> None:
    def bodies(seed: int) -> list[list[Answer]]:
        with Sandbox(SandboxConfig({"love": 50}, seed=seed)) as running:
            pages = [answer(running, "/subjects/love.json?sort=key&limit=50")["works"] for _ in range(2)]
        assert pages[0] != pages[1]
        return pages

    first, again, other = bodies(1), bodies(1), bodies(2)

    assert first == again
    assert without_availability(first[0]) == without_availability(first[1])
    assert without_availability(first[0]) != without_availability(other[0])


def test_a_larger_subject_holds_the_smaller_one() -> None:
    small, large = (Sandbox(SandboxConfig({"love": size})) for size in (100, 150))
    try:
        assert set(small.keys("love")) < set(large.keys("love"))
    finally:
        small.stop()
        large.stop()


def test_subjects_share_works_and_authors(sandbox: Sandbox) -> None:
    one, other = ({work["key"]: work for work in sandbox.works(subject)} for subject in ("science_fiction", "love"))
    shared = one.keys() & other.keys()

    def authors(works: dict[str, Answer]) -> set[str]:
        return {author["key"] for key in works.keys() - shared for author in works[key]["authors"]}

    assert len(shared) >= 30
    assert all(one[key] == other[key] for key in shared)
    assert authors(one) & authors(other)


def test_every_work_says_its_subject(sandbox: Sandbox) -> None:
    spellings = set()
    for work in sandbox.works("science_fiction"):
        own = [spelling for spelling in work["subject"] if subject_key(spelling) == "science_fiction"]
        assert own
        spellings.update(own)
    assert len(spellings) > 2


def test_the_catalogue_is_as_messy_as_the_real_one(sandbox: Sandbox) -> None:
    works = list(sandbox.works("science_fiction"))
    titles = Counter(work["title"] for work in works)
    years = [work["first_publish_year"] for work in works]
    author_lists = [[author["key"] for author in work["authors"]] for work in works]
    names: dict[str, set[str]] = {}
    for author in (author for work in works for author in work["authors"]):
        names.setdefault(author["key"], set()).add(author["name"])
    spellings = {name for spelled in names.values() for name in spelled}

    assert len({len(work["key"]) for work in works}) > 2
    assert {work["key"][-1] for work in works} == {"W", "M"}
    assert {None, 0, 1, 1000, 9999, 2027, 2028} <= set(years)
    assert sum(1950 <= (year or 0) <= 2024 for year in years) > 0.7 * len(years)
    assert any(not keys for keys in author_lists)
    assert any(len(set(keys)) > 2 for keys in author_lists)
    assert any(len(set(keys)) < len(keys) for keys in author_lists)
    assert any(len(spelled) > 2 for spelled in names.values())
    assert "" in spellings
    assert any(name and not name.strip() for name in spellings)
    assert any(name.strip() != name and name.strip() for name in spellings)
    assert titles["__None__"]
    assert titles.most_common(1)[0][1] > 1
    for start in "=+-@ ":
        assert any(title.startswith(start) for title in titles)
    for piece in (",", '"', "\n", "\t", "<script>", "\ud800", "🚀", "星", "Звезда"):
        assert any(piece in title for title in titles), piece
    assert any(len(title) > 2000 for title in titles)
    assert any(not unicodedata.is_normalized("NFC", title) for title in titles)
    assert {0, 1} <= {work["edition_count"] for work in works}
    assert any(work["cover_id"] is None for work in works)
    assert any(work["ia_collection"] == [] for work in works)
    assert any(work["ia_collection"] == [""] for work in works)
    assert any(len(set(work["subject"])) < len(work["subject"]) for work in works)
    assert any(len(work["subject"]) > 80 for work in works)


def test_some_works_are_translations(sandbox: Sandbox) -> None:
    by_key = {work["key"]: work for work in sandbox.works("science_fiction")}
    translations = [
        work
        for key, work in by_key.items()
        if key[-2] == "5" and (original := by_key.get(f"{key[:-2]}4W")) and original["authors"] == work["authors"]
    ]

    assert translations


def test_few_authors_write_much_and_most_write_once() -> None:
    sandbox = Sandbox(SandboxConfig({"love": 10_000}))
    books = Counter(
        author for work in sandbox.works("love") for author in {author["key"] for author in work["authors"]}
    )
    sandbox.stop()

    assert max(books.values()) > 20
    assert Counter(books.values())[1] > 0.7 * len(books)


def test_a_million_works_are_served_by_the_page() -> None:
    with Sandbox(SandboxConfig({"everything": 1_000_000})) as sandbox, requests.Session() as session:

        def page(offset: int) -> tuple[list[str], float]:
            # Of this process, in which the sandbox answers: other processes may keep it waiting.
            started = time.process_time()
            url = f"{sandbox.url}/subjects/everything.json?sort=key&limit=1000&offset={offset}"
            found = session.get(url, timeout=60).json()
            assert found["work_count"] == 1_000_000
            return [work["key"] for work in found["works"]], time.process_time() - started

        page(0)
        (middle, one), (following, two), (last, three) = page(500_000), page(501_000), page(999_500)

    assert [len(middle), len(following), len(last)] == [1000, 1000, 500]
    assert middle + following == sorted({*middle, *following})
    assert min(one, two, three) < 0.5


@pytest.mark.parametrize(
    ("subjects", "reason"),
    [
        ({"Love": 1}, "not a normalised subject key"),
        ({"": 1}, "not a normalised subject key"),
        ({"person:": 1}, "not a normalised subject key"),
        ({"love": -1}, "must be from 0 to"),
        ({"love": 10**9}, "must be from 0 to"),
    ],
)
def test_impossible_catalogues_are_refused(subjects: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Sandbox(SandboxConfig(subjects))


def test_sizes_are_read_from_texts() -> None:
    assert parse_subjects(["Science Fiction=5", "person:x=0"]) == {"science_fiction": 5, "person:x": 0}
    for text in ("love", "love=", "=5", "love=many", "love=-1"):
        with pytest.raises(ValueError, match="is not of the form <subject>=<number of works>"):
            parse_subjects([text])


# Changes while running


def test_works_come_go_and_change() -> None:
    with Sandbox(SandboxConfig({"love": 20, "war": 20})) as sandbox:
        first, second = sandbox.keys("love")[:2]
        new = sandbox.add_work("love")
        orphan = sandbox.add_work("love", {"key": "/works/OL7M", "title": "Orphan", "authors": []})
        sandbox.remove_work("love", first)
        sandbox.change_work("love", second, title="Changed", first_publish_year=1984)
        page = answer(sandbox, "/subjects/love.json?sort=key&limit=100")
        works = {work["key"]: work for work in page["works"]}

        assert page["work_count"] == sandbox.count("love") == len(works) == 21
        assert list(works) == sorted(works)
        assert without_availability(page["works"]) == list(sandbox.works("love"))
        assert first not in works
        assert {new["key"], orphan["key"]} <= works.keys()
        assert works["/works/OL7M"]["title"] == "Orphan"
        assert (works[second]["title"], works[second]["first_publish_year"]) == ("Changed", 1984)
        assert all("love" in map(subject_key, work["subject"]) for work in works.values())
        assert sandbox.count("war") == 20


def test_changes_show_in_every_order_and_subject() -> None:
    with Sandbox(SandboxConfig({"love": 200, "war": 200})) as sandbox:
        shared = next(key for key in sandbox.keys("love") if key in sandbox.keys("war"))
        answer(sandbox, "/subjects/war.json")
        sandbox.change_work("love", shared, edition_count=99_999, first_publish_year=None, title="")

        assert answer(sandbox, "/subjects/war.json?limit=1")["works"][0]["key"] == shared
        assert answer(sandbox, "/subjects/war.json?limit=1&sort=title")["works"][0]["key"] == shared
        sandbox.remove_work("war", shared)
        assert answer(sandbox, "/subjects/war.json?limit=1")["works"][0]["key"] != shared
        assert shared in sandbox.keys("love")


def test_impossible_changes_are_refused(sandbox: Sandbox) -> None:
    key = sandbox.keys("love")[0]
    with pytest.raises(ValueError, match="already"):
        sandbox.add_work("love", {"key": key})
    with pytest.raises(ValueError, match="not a work key"):
        sandbox.add_work("love", {"key": "/works/OL07W"})
    with pytest.raises(ValueError, match="has no titel"):
        sandbox.change_work("love", key, titel="x")
    with pytest.raises(KeyError, match="does not list"):
        sandbox.remove_work("love", "/works/OL1W")


def test_a_hook_can_change_the_catalogue_between_pages() -> None:
    with Sandbox(SandboxConfig({"love": 20})) as sandbox:
        seen = []

        @sandbox.on_request
        def remove_the_first(number: int, path: str, query: str) -> None:
            seen.append((number, path, query))
            if number == 2:
                sandbox.remove_work("love", sandbox.keys("love")[0])

        counts = [answer(sandbox, "/subjects/love.json?limit=0")["work_count"] for _ in range(3)]

    assert counts == [20, 19, 19]
    assert seen == [(number, "/subjects/love.json", "limit=0") for number in (1, 2, 3)]


def test_orphaned_editions_have_no_people_places_or_times() -> None:
    sizes = {"love": 3000, "place:rome": 3000, "person:ada": 600}
    listing = Listing(sizes, seed=1)
    codes = {subject: set(listing.codes(subject)) for subject in sizes}
    assert {subject: len(found) for subject, found in codes.items()} == sizes
    assert {subject for subject, found in codes.items() if any(code & 1 for code in found)} == {"love"}
    by_key = {subject: listing.subjects[subject] for subject in sizes}
    for code in set.union(*codes.values()):
        assert listing.of_work(code) == [by_key[subject] for subject in sizes if code in codes[subject]]
