"""The staff's configuration, and where it applies."""

from __future__ import annotations

import math
import re
import time
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from converter import configuration, jobs, metadata
from converter.admin.configuration import ConfigurationForm
from converter.configuration import Configuration
from converter.engine import Recipe
from converter.jobs.errors import InvalidSubmission, OverQuota
from converter.jobs.submit import submit
from converter.jobs.uploads import NewFile
from converter.models import SiteConfiguration
from converter.storage import StorageFault
from converter.web import presets
from imagesite.accounts.models import User

pytestmark = pytest.mark.django_db


def hold(**values: Any) -> None:
    configuration.keep(Configuration(**values), at=math.inf)


def order(owner: User, count: int = 1, size: int = 10, format: str = "webp") -> Any:
    files = [NewFile(f"{number}.jpg", size) for number in range(count)]
    return submit(owner, outputs=[Recipe.parse({"format": format})], files=files)


# --- When it is read ----------------------------------------------------------------------------------------


class Counting:
    def __init__(self) -> None:
        self.read_times = 0
        self.answers: list[dict[str, Any] | None] = []

    def read(self) -> dict[str, Any]:
        self.read_times += 1
        answer = self.answers.pop(0)
        if answer is None:
            raise StorageFault("away")
        return answer


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Counting:
    made = Counting()
    monkeypatch.setattr(configuration, "store", lambda: made)
    return made


def age(seconds: float) -> None:
    configuration.keep(configuration.current(), at=time.monotonic() - seconds)


def test_it_is_read_at_most_once_a_minute(store: Counting) -> None:
    store.answers = [{"max_files": 7}]
    age(59)
    assert configuration.current().max_files is None
    age(61)
    assert [configuration.current().max_files for _ in range(3)] == [7, 7, 7]
    assert store.read_times == 1


def test_the_last_configuration_is_used_while_the_table_is_unavailable(store: Counting) -> None:
    store.answers = [None, {"max_files": 8}]
    hold(max_files=7)
    age(61)
    assert configuration.current().max_files == 7
    age(61)
    assert configuration.current().max_files == 8


# --- Where it applies ---------------------------------------------------------------------------------------


def test_staff_may_lower_limits_and_not_raise_them(settings: Any) -> None:
    settings.CONVERTER_LIMITS = {"max_bytes": 1_000, "max_frames": 5}
    hold(max_bytes=400, max_pixels=10**12)
    assert (jobs.limits().max_bytes, jobs.limits().max_frames) == (400, 5)
    assert jobs.limits().max_pixels == jobs.hard_limits().max_pixels
    assert jobs.hard_limits().max_bytes == 1_000


def test_a_larger_file_is_refused(alice: User) -> None:
    hold(max_bytes=400)
    with pytest.raises(InvalidSubmission) as refused:
        order(alice, size=401)
    assert "too_many_bytes" in [error.message.code for error in refused.value.errors]
    assert order(alice, size=400)


def test_a_larger_batch_is_refused(alice: User) -> None:
    hold(max_files=2)
    with pytest.raises(InvalidSubmission, match="at most 2 images; this one has 3"):
        order(alice, count=3)


def test_conversions_above_the_daily_limit_are_refused(alice: User) -> None:
    hold(jobs_a_day=2)
    order(alice, count=2)
    with pytest.raises(OverQuota):
        order(alice)


@pytest.mark.parametrize(("format", "is_made"), [("webp", True), ("avif", False), ("auto", False)])
def test_a_format_that_is_turned_off_is_refused(alice: User, format: str, is_made: bool) -> None:
    hold(formats=("webp", "jpeg"))
    if is_made:
        assert order(alice, format=format)
        return
    with pytest.raises(InvalidSubmission) as refused:
        order(alice, format=format)
    assert refused.value.errors[0].pointer == "/outputs/0/format"
    assert refused.value.errors[0].message.code == "format_disabled"


def test_only_formats_that_are_made_are_offered(client: Client, alice: User) -> None:
    hold(formats=("webp", "jpeg"))
    client.force_login(alice)
    page = client.get("/convert/").text
    assert 'value="avif"' not in page
    choices = page.partition('-0-format"')[2].partition("</select>")[0]
    assert set(re.findall(r'<option value="(\w+)"', choices)) == {"webp", "jpeg"}
    assert "starter=archive" not in client.get("/recipes/").text  # it makes TIFF files
    made = {item["name"] for item in client.get("/api/v1/formats").json()["items"] if item["encodes"]}
    assert made == {"webp", "jpeg"}


def test_the_default_size_is_filled_in_for_users_without_their_own(client: Client, alice: User) -> None:
    hold(default_size=1234)
    client.force_login(alice)
    page = client.get("/convert/").text
    assert page.count('value="1234"') == 2


def test_sizes_are_offered_by_name() -> None:
    hold(sizes=((1600, 900),))
    assert presets.choices()[-1][0] == "1600×900 px"
    assert '"resize.width": 1600' in presets.choices()[-1][1]


@pytest.mark.parametrize(("way", "status"), [("open", 200), ("closed", 403), ("invitation", 403)])
def test_sign_up_is_as_staff_say(client: Client, settings: Any, way: str, status: int) -> None:
    settings.SIGN_UP = "closed" if way == "open" else "open"
    hold(sign_up=way)
    assert client.get("/accounts/signup/").status_code == status
    assert ("/accounts/signup/" in client.get("/help/").text) is (way == "open")


@pytest.mark.parametrize(
    ("pool", "seen", "offered"),
    [("p_1", "closed", [""]), ("", "open", ["", "open", "invitation", "closed"])],
)
def test_staff_cannot_open_a_closed_user_pool(
    settings: Any, pool: str, seen: str, offered: list[str]
) -> None:
    settings.COGNITO_USER_POOL_ID, settings.SIGN_UP = pool, "closed"
    assert Configuration(sign_up="open").signing_up == seen
    choices = ConfigurationForm().fields["sign_up"].choices  # type: ignore[attr-defined]
    assert list(dict(choices)) == offered


def test_the_notice_is_on_every_page_as_text(client: Client) -> None:
    hold(maintenance="Back at 10 <b>pm</b>")
    for address in ("/", "/formats/", "/accounts/login/"):
        assert "Back at 10 &lt;b&gt;pm&lt;/b&gt;" in client.get(address).text


def test_labels_can_be_turned_off(settings: Any) -> None:
    settings.CONVERTER_LABELS = "tests.configuration.test_configuration.labels"
    assert metadata.labels_of(b"jpeg") == {"labels": ["Dog"]}
    hold(labels=False)
    assert metadata.labels_of(b"jpeg") == {}


def labels(jpeg: bytes) -> dict[str, Any]:
    return {"labels": ["Dog"]}


# --- The page in the admin ----------------------------------------------------------------------------------

ADDRESS = "/admin/configuration/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root@example.org", "correct horse battery"))
    return client


def test_staff_set_it_and_the_change_is_logged(staff: Client) -> None:
    sent = {
        "max_files": "20",
        "formats": ["webp", "jpeg"],
        "sizes": "1600×900\r\n640x480\r\n",
        "sign_up": "closed",
    }
    assert staff.post(ADDRESS, sent).status_code == 302
    row = SiteConfiguration.objects.get()
    assert Configuration.of(row.values) == configuration.current()
    assert configuration.current() == Configuration(
        max_files=20, formats=("webp", "jpeg"), sizes=((1600, 900), (640, 480)), sign_up="closed"
    )
    (entry,) = LogEntry.objects.all()
    assert str(entry.user) == "root@example.org"
    assert "Maximum images per batch: – → 20" in entry.change_message
    page = staff.get(ADDRESS).text
    assert "Maximum images per batch: – → 20" in page
    assert "640×480" in page


def test_an_empty_field_uses_the_environment(staff: Client) -> None:
    staff.post(ADDRESS, {"max_files": "20", "maintenance": "Soon"})
    staff.post(ADDRESS, {"max_files": "", "maintenance": "Soon"})
    assert configuration.current() == Configuration(maintenance="Soon")
    assert LogEntry.objects.first().change_message == "Maximum images per batch: 20 → –"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"max_bytes": "20000000"}, "Maximum file size (bytes): – → 20 MB"),
        ({"max_pixels": "5000000"}, "Maximum pixels per image: – → 5,000,000"),
        ({"sizes": "640x480\n1600×900"}, "Sizes to choose from: – → 640×480, 1600×900"),
        ({"formats": ["jpeg", "webp"]}, "Output formats: – → JPEG, WebP"),
        ({"sign_up": "closed"}, "Sign-up: – → closed"),
    ],
)
def test_changes_are_logged_as_people_read_them(staff: Client, form: dict[str, Any], said: str) -> None:
    staff.post(ADDRESS, form)
    assert LogEntry.objects.get().change_message.replace("\u00a0", " ") == said


def test_unchanged_fields_are_not_logged(staff: Client) -> None:
    staff.post(ADDRESS, {})
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("max_files", "201", "less than or equal to 200"),
        ("max_files", "0", "greater than or equal to 1"),
        ("max_bytes", "many", "Enter a whole number"),
        ("formats", "heic", "not one of the available choices"),
        ("sizes", "1600", "Enter sizes such as 1600×900"),
        ("sizes", "0×900", "Enter sizes such as 1600×900"),
        ("sizes", "70000×900", "Enter sizes such as 1600×900"),
        ("sizes", "\n".join(f"{n}×{n}" for n in range(1, 22)), "at most 20 sizes"),
        ("sign_up", "sometimes", "not one of the available choices"),
    ],
)
def test_invalid_values_are_refused_at_their_field(staff: Client, field: str, value: str, said: str) -> None:
    answer = staff.post(ADDRESS, {field: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert not SiteConfiguration.objects.exists()


def test_only_staff_with_the_permission_see_it(client: Client) -> None:
    other = User.objects.create_user("staff@example.org", "correct horse battery", is_staff=True)
    client.force_login(other)
    assert client.get(ADDRESS).status_code == 403
    assert ADDRESS not in client.get("/admin/").text


def test_an_unavailable_table_is_reported(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object) -> None:
        raise StorageFault("away")

    monkeypatch.setattr("converter.configuration.database.DatabaseConfiguration.write", away)
    answer = staff.post(ADDRESS, {"max_files": "3"})
    assert "could not be saved" in answer.text
    monkeypatch.setattr("converter.configuration.database.DatabaseConfiguration.read", away)
    assert "could not be read" in staff.get(ADDRESS, follow=True).text
