"""What a scientist does, in a real browser: come in, open the tutorial, run it, see the map."""

import re
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
CELLS_SECONDS = 300

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: install Debian's package chromium"),
]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, environment):
    context = browser.new_context(base_url=environment.address, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    yield page
    context.close()


def come_in(page, environment, name):
    password = "a good password"
    page.goto(f"/hub/welcome#code={environment.invite(name)}")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Password again").fill(password)
    page.get_by_role("button", name="Set the password and sign in").click()
    page.wait_for_url(re.compile(r"/hub/(home|spawn)|/user/"))


def run_all(page):
    """Run all cells once the kernel is there, as a person would who looks at the status bar."""
    page.locator(".jp-StatusBar-TextItem", has_text="Idle").wait_for(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def wait_until_all_ran(page, cells):
    """A cell's prompt shows a number once it has run, and a star until then."""
    page.wait_for_function(
        """cells => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.textContent);
            const failed = document.querySelector('.jp-RenderedText[data-mime-type="application/vnd.jupyter.error"]');
            return failed || prompts.filter(text => /\\[\\d+\\]/.test(text)).length >= cells;
        }""",
        arg=cells,
        timeout=CELLS_SECONDS * 1000,
    )


def test_a_newcomer_comes_in_opens_the_tutorial_runs_it_and_sees_the_map(page, environment, screenshots):
    page.goto("/")
    page.get_by_label("Name").wait_for()
    page.screenshot(path=screenshots / "login.png")

    come_in(page, environment, "grace")
    page.goto("/hub/home")
    page.get_by_role("heading", name="Start here").wait_for()
    page.screenshot(path=screenshots / "home.png")

    page.get_by_role("link", name=re.compile("Leaf area from Sentinel-2")).click()
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    run_all(page)
    code = environment.home.people / "grace" / "Start here" / "Leaf area from Sentinel-2.ipynb"
    wait_until_all_ran(page, code.read_text().count('"cell_type": "code"'))

    failed = page.locator('[data-mime-type="application/vnd.jupyter.error"]')
    assert failed.count() == 0, failed.first.inner_text()
    maps = page.locator(".jp-OutputArea-output img")
    assert maps.count() >= 2
    last = maps.last
    page.get_by_role("heading", name="The map", exact=False).last.evaluate("heading => heading.scrollIntoView()")
    assert last.evaluate("image => image.naturalWidth") > 600
    assert (environment.home.people / "grace" / "Start here" / "leaf-area.png").stat().st_size > 20_000
    page.wait_for_timeout(1000)
    assert page.locator(".jp-Dialog, .Toastify__toast").all_inner_texts() == []  # nothing stands in the way
    page.screenshot(path=screenshots / "tutorial.png")
    assert page.problems == []


def test_your_own_code_in_parallel_runs_to_its_end(page, environment):
    come_in(page, environment, "joan")
    page.goto("/hub/home")
    page.get_by_role("link", name=re.compile("Your own code in parallel")).click()
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    run_all(page)
    code = environment.home.people / "joan" / "Start here" / "Your own code in parallel.ipynb"
    wait_until_all_ran(page, code.read_text().count('"cell_type": "code"'))
    failed = page.locator('[data-mime-type="application/vnd.jupyter.error"]')
    assert failed.count() == 0, failed.first.inner_text()


def test_a_wrong_password_says_so_on_the_page(page, environment):
    page.goto("/hub/login")
    page.get_by_label("Name").fill("grace")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("Name and password do not fit").wait_for()


def test_the_code_of_an_invitation_leaves_the_address_bar(page, environment):
    code = environment.invite("mary")
    page.goto(f"/hub/welcome#code={code}")
    page.get_by_label("Password", exact=True).wait_for()
    assert code not in page.url
