"""What the pages do in a real browser."""

import re

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.long]


def test_an_invitation_leaves_the_address_bar_and_enters_the_form(tab):
    tab.goto("/hub/welcome#code=ab-C_1")
    tab.wait_for_function("location.hash === ''")
    assert tab.url.endswith("/hub/welcome")
    assert tab.locator("#code").input_value() == "ab-C_1"
    assert tab.locator("#code").is_hidden()
    assert tab.evaluate("document.activeElement.id") == "password"


def test_two_different_passwords_are_told_before_sending(tab):
    tab.goto("/hub/welcome#code=x")
    tab.locator("#password").fill("one two three four")
    tab.locator("#password_again").fill("one two three five")
    assert tab.locator("#password_again").evaluate("field => field.validationMessage") == "The two passwords differ."
    tab.locator("#password_again").fill("one two three four")
    assert tab.locator("#password_again").evaluate("field => field.validity.valid")


def test_a_password_can_be_shown_and_hidden(tab):
    tab.goto("/hub/login")
    field = tab.locator("#password")
    field.fill("secret")
    tab.get_by_role("button", name="Show password").click()
    assert field.get_attribute("type") == "text"
    tab.get_by_role("button", name="Hide password").click()
    assert field.get_attribute("type") == "password"


def test_stopping_asks_first_and_then_shows_the_stopped_server(walk_in):
    tab = walk_in("hedy")
    tab.goto("/hub/spawn")
    tab.goto("/hub/home")
    stop = tab.locator("#stop")
    stop.click()
    tab.get_by_role("button", name="Keep it running").click()
    assert tab.locator("[data-state=running]").is_visible()
    stop.click()
    tab.get_by_role("dialog").get_by_role("button", name="Stop server").click()
    tab.wait_for_selector("[data-state=stopped]")


def test_a_refused_stop_says_what_to_do(walk_in):
    tab = walk_in("hedy")
    tab.goto("/hub/spawn")
    tab.goto("/hub/home")
    tab.route("**/hub/api/**", lambda route: route.fulfill(status=403, body="{}"))
    tab.locator("#stop").click()
    tab.get_by_role("dialog").get_by_role("button", name="Stop server").click()
    tab.get_by_text("You are no longer signed in here. Load this page again.").wait_for()
    assert tab.locator("#stop").is_enabled()


def test_a_server_that_is_ready_opens_by_itself(walk_in):
    tab = walk_in("slow")
    tab.goto("/hub/spawn?next=/user/slow/lab/tree/a%2520b")
    tab.get_by_text("Preparing the sandbox").first.wait_for()
    assert 0 < tab.locator("progress").evaluate("bar => bar.value") < 100
    tab.wait_for_url("**/user/slow/lab/tree/a%20b**")


def test_a_start_can_be_given_up(walk_in):
    tab = walk_in("patient")
    tab.goto("/hub/spawn")
    tab.get_by_role("button", name="Do not start").click()
    tab.wait_for_url("**/hub/home")
    assert tab.locator("[data-state=stopped]").is_visible()


def test_a_failed_start_shows_the_reason_as_text_and_tries_again_to_the_same_place(walk_in):
    tab = walk_in("unlucky")
    tab.goto("/hub/spawn?next=/user/unlucky/lab/tree/a")
    tab.get_by_role("link", name="Try again").wait_for()
    assert tab.locator("#reason").inner_text() == "There is no room on this machine <script>alert(1)</script>"
    again = tab.get_by_role("link", name="Try again").evaluate("link => link.href")
    assert re.search(r"/hub/spawn/unlucky\?next=\S*lab\S*tree\S*a$", again)


def test_the_menu_works_with_the_keyboard(walk_in):
    tab = walk_in("grace")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="Sign out").wait_for()
    tab.keyboard.press("Escape")
    assert tab.get_by_role("link", name="Sign out").is_hidden()


@pytest.mark.parametrize("path", ["/hub/login", "/hub/welcome", "/hub/home", "/hub/change-password", "/hub/broken/404"])
def test_pages_fit_a_small_screen_and_obey_a_strict_content_policy(walk_in, path):
    tab = walk_in("grace")
    if path in ("/hub/login", "/hub/welcome"):
        tab.context.clear_cookies()

    def strictly(route):
        answer = route.fetch()
        route.fulfill(response=answer, headers=answer.headers | {"content-security-policy": "default-src 'self'"})

    tab.route("**/hub/**", strictly)
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto(path)
    assert tab.locator("h1").is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
