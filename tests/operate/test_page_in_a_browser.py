"""A person's way through the page in a real browser, on the emulated AWS; and the rules of accessibility."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fargate_job_launcher.operate import Account, find, launch
from fargate_job_launcher.operate.runs import newest
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from opened import Opened, opened
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from shell import block, command, eventually, leading_to

from tools.bench.bench_history import history_endpoint
from tools.recording import program

CHROMIUM = next((it for name in ("chromium", "chromium-browser", "google-chrome") if (it := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH: apt-get install chromium")

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobRuns
cluster = aws.ecs.Cluster("c")
runs = JobRuns("jobs", {"cluster_arns": [cluster.arn]})
common = {
    "image": "nginx",
    "cluster_arn": cluster.arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": runs.shared,
    "prices": {"date": "2026-11-01", "vcpu_hour": 0.04, "memory_gib_hour": 0.004, "storage_gib_hour": 0.0001},
}
FargateJobLauncher("import", {
    **common,
    "asynchronous": True,
    "supervision": {"retries": 1},
    "schedules": {"nightly": {"expression": "cron(30 2 * * ? *)", "time_zone": "Europe/Berlin"}},
    "overrides": {"environment": ["FILE"], "array": {"max_size": 200, "max_parallelism": 50}, "at": True},
})
FargateJobLauncher("quiet", common)
"""
WELL, BAD = Run(0, 0.1, lines=("12 rows",)), Run(3, 0.1, lines=("about to fail",))
SHOWN = 120_000
"""Milliseconds in which something is to be seen: the machine may be busy."""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(region="eu-west-1") as aws, leading_to(aws):
        deploy(program(tmp_path_factory.mktemp("program"), SOURCE), aws)
        yield aws


@pytest.fixture(scope="module")
def served(aws: Emulator) -> Iterator[Opened]:  # noqa: ARG001
    with opened() as it:
        yield it


@pytest.fixture(scope="module")
def chromium(served: Opened) -> Iterator[Browser]:  # noqa: ARG001
    # The sandbox is deployed before: playwright keeps an event loop in this thread, and a program needs its own.
    # Chromium has no sandbox of its own for root.
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=alone)
        expect.set_options(timeout=SHOWN)
        yield browser
        browser.close()


class Seen(list[str]):
    """What the browser complained about."""


@pytest.fixture
def page(chromium: Browser, served: Opened) -> Iterator[Page]:
    context = chromium.new_context()
    context.set_default_timeout(SHOWN)
    page, complaints = context.new_page(), Seen()
    page.on("console", lambda it: complaints.append(it.text) if it.type in ("error", "warning") else None)
    page.on("pageerror", lambda it: complaints.append(str(it)))
    enter(page, served)
    # The rows are filled in once; a click that meets this would be lost.
    expect(page.locator("td.empty")).to_have_count(0)
    yield page
    context.close()
    # A policy that refuses a script or a style of the page's own is told so. What the launcher refused is told, too.
    assert [it for it in complaints if "a status of 422" not in it] == []


def enter(page: Page, served: Opened) -> None:
    """Open the address that is good now; the next one is printed."""
    page.goto(served.address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    assert served.process.stdout
    served.address = json.loads(served.process.stdout.readline())["address"]


def scripted(aws: Emulator, *runs: Run, **indexes: Run) -> None:
    """What the next tasks of the job do."""
    of = {int(it.removeprefix("i")): run for it, run in indexes.items()}
    aws.script(find(Account(), "import").family, *runs, indexes=of)


def last(state: str) -> dict[str, Any]:
    """The newest run of the job, once it is in this state."""
    job = find(Account(), "import")
    return eventually(lambda: next((it for it in newest(job, 1) if it["state"] == state), None))


def launched(page: Page, event: str) -> None:
    """Launch the job on its page with an event."""
    page.get_by_role("link", name="Launch …").first.click()
    page.get_by_label("Launch event").fill(event)
    page.get_by_role("button", name="Show what will be sent").click()
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("run ")


def test_a_launch_is_shown_before_it_is_sent_and_followed_to_its_end_with_its_log(page: Page, aws: Emulator) -> None:
    scripted(aws, Run(3, 3, lines=("about to fail",)), Run(0, 5, lines=("12 rows",)))
    page.get_by_role("link", name="import").click()
    page.get_by_role("link", name="Launch …").click()
    expect(page.get_by_text("an object with FILE")).to_be_visible()
    # What the launcher refuses is told at the form, with what was written.
    page.get_by_label("Launch event").fill('{"environment": {"OTHER": "x"}}')
    page.get_by_role("button", name="Show what will be sent").click()
    expect(page.get_by_role("alert").filter(has_text="not declared")).to_be_visible()
    expect(page.get_by_label("Launch event")).to_have_value('{"environment": {"OTHER": "x"}}')
    before = len(newest(find(Account(), "import")))
    page.get_by_label("Launch event").fill('{"environment": {"FILE": "2026/11.csv"}}')
    page.get_by_role("button", name="Show what will be sent").click()
    expect(page.locator("pre")).to_contain_text('"FILE": "2026/11.csv"')
    expect(page.get_by_text("IAM decides")).to_be_visible()
    assert len(newest(find(Account(), "import"))) == before
    page.get_by_role("button", name="Launch", exact=True).click()
    # From here on nothing is loaded again by hand: the page refreshes itself. The test needs no state that passes: this
    # machine may be slower than the run.
    expect(page.locator("table.attempts")).to_contain_text("it ended with exit code 3")
    expect(page.locator(".log")).to_contain_text("about to fail")
    # A log that nobody sees is not read, but once more at the run's end.
    page.set_viewport_size({"width": 1280, "height": 100})
    expect(page.locator(".facts .state")).to_contain_text("SUCCEEDED")
    expect(page.locator("table.attempts tbody tr")).to_have_count(2)
    expect(page.locator(".log")).to_contain_text("12 rows")
    page.get_by_role("link", name="Run again …").click()
    expect(page.get_by_label("Launch event")).to_have_value(
        json.dumps({"environment": {"FILE": "2026/11.csv"}}, indent=2)
    )


def test_a_run_is_stopped_and_a_double_click_launches_once(page: Page, aws: Emulator) -> None:
    scripted(aws, Run(0, 3600))
    page.get_by_role("link", name="import").click()
    before = len(newest(find(Account(), "import")))
    page.get_by_role("link", name="Launch …").click()
    page.get_by_role("button", name="Show what will be sent").click()
    page.get_by_role("button", name="Launch", exact=True).dblclick()
    expect(page.locator(".facts .state")).to_contain_text("RUNNING")
    assert len(newest(find(Account(), "import"))) == before + 1
    # The job's page has what runs now, with its log.
    page.get_by_role("link", name="import").click()
    expect(page.locator(".log")).to_contain_text("no container has run")
    # A click that begins before a refresh and ends after it is a click.
    page.get_by_role("link", name="Stop …").hover()
    page.mouse.down()
    for _ in range(2):
        page.wait_for_event("response", lambda it: it.url.endswith("/now"))
    page.mouse.up()
    expect(page.locator("pre")).to_contain_text('"stopOf"')
    page.get_by_role("button", name="Stop the run").click()
    expect(page.locator(".facts .state")).to_contain_text("STOPPED")


def test_an_array_is_drawn_with_its_ranges_and_resumed(page: Page, aws: Emulator) -> None:
    scripted(aws, *30 * [WELL], i3=BAD, i4=BAD)
    page.get_by_role("link", name="import").click()
    launched(page, '{"array": {"size": 20, "parallelism": 20}}')
    expect(page.locator(".facts .state").first).to_contain_text("FAILED")
    expect(page.locator("svg.map")).to_have_attribute("aria-label", "20 indexes: 2 failed, 18 succeeded")
    assert page.locator("svg.map rect.failed").count() == 2
    expect(page.locator(".ranges").filter(has_text="3-4")).to_be_visible()
    expect(page.locator(".log")).to_contain_text("about to fail")
    # Who has the run open in another tab sees there what follows, too.
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".log")).to_contain_text("about to fail")
    scripted(aws, *30 * [Run(0, 0.1, lines=("resumed",))])
    page.get_by_role("link", name="Resume …").click()
    page.get_by_role("button", name="Resume the run").click()
    for shown in (page, other):
        expect(shown.locator(".facts .state").first).to_contain_text("SUCCEEDED")
        expect(shown.locator(".log")).to_contain_text("resumed")


def test_schedules_and_dead_letters_are_changed_after_a_question(page: Page, aws: Emulator) -> None:
    job = find(Account(), "import")
    page.get_by_role("link", name="import").click()
    for wanted, then in (("Pause", "paused"), ("Resume", "enabled")):
        page.get_by_role("link", name=f"{wanted} …").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{wanted} schedule nightly of import?")
        page.get_by_role("button", name=f"{wanted} it").click()
        expect(page.locator("td[data-of=State]", has_text=then)).to_be_visible()
    # A launch at a later time has no run yet: its job is shown, where it waits.
    page.get_by_role("link", name="Launch …").click()
    day = (datetime.now(UTC) + timedelta(days=100)).strftime("%Y-%m-%d")
    page.get_by_label("Launch event").fill(json.dumps({"at": f"{day}T03:00"}))
    page.get_by_role("button", name="Show what will be sent").click()
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.get_by_text(f"{day} 03:00")).to_be_visible()
    page.get_by_role("link", name="Cancel …").click()
    page.get_by_role("button", name="Cancel the launch").click()
    expect(page.locator("td[data-of=State]", has_text="enabled")).to_be_visible()
    expect(page.get_by_role("link", name="Cancel …")).to_have_count(0)
    for event in ({"environment": {"NOT": "x"}}, {"environment": {"FILE": "<b>bold</b>"}, "count": 3}):
        alias = f"{job.function}:async"
        aws.client("lambda").invoke(FunctionName=alias, InvocationType="Event", Payload=json.dumps(event))
    eventually(lambda: letters(aws) == 2)
    page.goto(f"{page.url}/letters")
    expect(page.locator("pre", has_text="<b>bold</b>")).to_be_visible()
    page.get_by_role("link", name="Discard …").first.click()
    # The second click of a double click is not answered with an error: the letter is gone.
    twice(page.get_by_role("button", name="Discard it"))
    expect(page.get_by_role("link", name="1 dead letter")).to_be_visible()
    assert letters(aws) == 1


def twice(button: Locator) -> None:
    """A double click that takes a fifth of a second: longer than a browser takes to send a form."""
    expect(button).to_be_visible()
    button.evaluate("it => { it.click(); setTimeout(() => it.click(), 200); }")


def letters(aws: Emulator) -> int:
    """How many dead letters the job has."""
    name = "ApproximateNumberOfMessages"
    url = find(Account(), "import").settings.dead_letter_queue
    return int(aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def test_everything_is_reached_by_keys(page: Page) -> None:
    expect(page.get_by_role("link", name="quiet")).to_be_visible()
    # The keys are those of the page's script, which is run when the page is there.
    page.wait_for_load_state("load")
    page.keyboard.press("/")
    page.keyboard.type("quie")
    expect(page.get_by_role("status")).to_have_text("1 of 2 jobs")
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).to_have_value("quie")
    expect(page.get_by_role("searchbox")).not_to_be_focused()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="quiet")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("quiet")
    expect(page.get_by_text("No run yet.")).to_be_visible()
    for key, title in (("d", "day"), ("c", "costs"), ("j", "Jobs")):
        page.wait_for_load_state("load")
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", level=1)).to_contain_text(title, ignore_case=True)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()


def test_after_an_error_in_its_place_the_list_is_filtered_again(page: Page) -> None:
    page.wait_for_load_state("load")
    page.route("**/?q=x", lambda it: it.fulfill(content_type="text/html", body="<div>the login has expired</div>"))
    page.get_by_role("searchbox").fill("x")
    expect(page.get_by_text("the login has expired")).to_be_visible()
    page.get_by_role("searchbox").fill("quiet")
    expect(page.get_by_role("status")).to_have_text("1 of 2 jobs")
    expect(page.get_by_text("the login has expired")).to_have_count(0)


def test_a_browser_that_runs_no_script_is_told_what_shows_the_same(chromium: Browser, served: Opened) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    enter(page, served)
    expect(page.locator("noscript p")).to_be_visible()
    context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 1200), ("light", 390), ("dark", 390)])
def test_no_page_breaks_a_rule_of_accessibility_or_is_wider_than_the_screen(
    chromium: Browser, served: Opened, aws: Emulator, scheme: Any, width: int
) -> None:
    job = find(Account(), "import")
    if not newest(job, 1):
        scripted(aws, BAD, WELL)
        launch("import")
        last("SUCCEEDED")
    run = newest(job, 1)[0]["run"]
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    context.set_default_timeout(SHOWN)
    page = context.new_page()
    enter(page, served)
    there = f"jobs/{job.function}"
    for path in ("", "day", "costs", there, f"{there}/runs/{run}", f"{there}/launch", f"{there}/permissions",
                 f"{there}/letters", f"{there}/change?what=pause-schedule&of=nightly", "nowhere"):  # fmt: skip
        page.goto(f"{served.origin}{served.root}/{path}")
        expect(page.locator("td.empty, #run-rows:empty")).to_have_count(0)
        expect(page.get_by_text("Asking ")).to_have_count(0)
        found = Axe().run(page)
        assert found.violations_count == 0, f"/{path}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        for role in page.locator("table.passing th[scope=row]").all():
            # Wide enough for a word.
            assert role.evaluate("it => it.clientWidth") >= 100
    context.close()


def test_the_report_is_one_file_that_loads_and_runs_nothing(
    chromium: Browser, aws: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(aws, BAD, BAD)
    launch("import")
    last("FAILED")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "import.html"
    assert command("report", "import", "--html", str(file)).code == 0
    written = file.read_text()
    exec(block("page", "a report"), {})
    for text, days in ((written, 30), (file.read_text(), 7)):
        assert f"since {datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}" in text
        assert "UTC UTC" not in text
    for since, said in (("12h", ""), ("1999-01-01", "since 1999-01-01 00:00 UTC"), ("one", "is expected")):
        done = command("report", "import", "--html", str(file), "--since", since)
        assert said in (done.err or file.read_text()), since
    context = chromium.new_context(offline=True)
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda it: asked.append(it.url))
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", level=1)).to_contain_text("import")
    assert page.locator("svg.strip rect.failed").count() > 0
    expect(page.locator("td.why").first).to_have_text("it ended with exit code 3")
    assert asked == [file.as_uri()]
    assert Axe().run(page).violations_count == 0
    context.close()
    refused = command("report", "import", "--html", str(tmp_path / "no" / "folder.html"))
    assert (refused.code, "No such file or directory" in refused.err) == (125, True)


def test_of_a_thousand_jobs_only_those_in_view_are_asked_about(
    chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    with history_endpoint(500, 999) as endpoint:
        for name, value in endpoint.environ.items():
            monkeypatch.setenv(name, value)
        with opened("--read-only") as served:
            context = chromium.new_context(viewport={"width": 1200, "height": 900})
            context.set_default_timeout(SHOWN)
            page, asked = context.new_page(), list[str]()
            page.on("request", lambda it: asked.append(it.url))
            enter(page, served)
            expect(page.get_by_role("status")).to_have_text("1000 jobs")
            expect(page.locator("table.jobs tbody").first.locator("svg.strip")).to_have_count(25)
            assert page.locator("table.jobs tbody tr").count() == 1000
            groups = {it for it in asked if "/rows?" in it}
            assert 1 <= len(groups) <= 4
            # The last comes when somebody looks at it; a browser that scrolls smoothly looks at all between. Those that
            # are filled in on the way may push it out of view again.
            last = page.locator("table.jobs tbody").last
            to_its_end = "it => it.scrollIntoView({block: 'end', behavior: 'instant'})"
            eventually(lambda: last.evaluate(to_its_end) or last.locator("svg.strip").count() == 25)
            assert len({it for it in asked if "/rows?" in it}) < 12
            context.close()
