import re
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from bs4 import BeautifulSoup

from acre.hub.jupyter import pages

HOSTILE = "<script>alert(1)</script>"


def read(answer):
    return BeautifulSoup(answer.text, "html.parser")


def text(soup, selector="main"):
    return " ".join(soup.select_one(selector).get_text(" ").split())


def wait_for(client, path, selector):
    """Ask for a page until it shows something."""
    for _ in range(60):
        soup = read(client.get(path))
        if soup.select_one(selector):
            return soup
        time.sleep(0.1)
    return pytest.fail(f"{path} never showed {selector}: {text(soup)}")


def assert_sound(soup):
    """What holds for every page of ours: labels, landmarks, and nothing a strict content policy would refuse."""
    assert soup.html["lang"] == "en"
    assert soup.title.get_text().endswith("· Acre")
    assert len(soup.select("main")) == 1
    assert len(soup.select("h1")) == 1
    assert soup.select_one("a.skip")["href"] == "#main"
    identifiers = [tag["id"] for tag in soup.select("[id]")]
    assert len(identifiers) == len(set(identifiers))
    for field in soup.select("input:not([type=hidden]):not([aria-hidden])"):
        assert soup.select_one(f'label[for="{field["id"]}"]'), field
    for tag in soup.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on") or name == "style"], tag
        for name in ("href", "src", "action"):
            assert not re.match(r"(?i)(\w+:|//)", tag.get(name, "")), tag
        for name in ("aria-labelledby", "aria-describedby", "aria-controls"):
            assert tag.get(name, identifiers[0]) in identifiers, tag
    assert all(tag.get("src") and not tag.get_text() for tag in soup.select("script"))
    assert not soup.select("style")


def test_the_login_page_asks_for_name_and_password_and_offers_no_account(stranger):
    soup = read(stranger.get("/hub/login"))
    assert_sound(soup)
    assert soup.title.get_text() == "Sign in · Acre"
    assert soup.select_one("form input[name=_xsrf]")["value"]
    assert soup.select_one("input[name=password]")["autocomplete"] == "current-password"
    assert "Have an invitation? Open the link you were given." in text(soup)
    assert "signup" not in str(soup)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("ada", "Invalid username or password."), ("blocked", "Too many wrong passwords; wait ten minutes.")],
)
def test_a_refused_login_says_why_in_a_sentence_and_keeps_the_name(stranger, name, sentence):
    xsrf = read(stranger.get("/hub/login")).select_one("input[name=_xsrf]")["value"]
    answer = stranger.post("/hub/login", data={"_xsrf": xsrf, "username": name, "password": "wrong"})
    soup = read(answer)
    assert answer.status_code == 403
    assert_sound(soup)
    assert text(soup, "[role=alert]").startswith(sentence)
    assert soup.select_one("#username")["value"] == name


def test_an_expired_login_form_says_to_try_again(stranger):
    soup = read(stranger.post("/hub/login", data={"username": HOSTILE, "password": "x"}))
    assert_sound(soup)
    assert "Try again" in text(soup, "[role=alert]")
    assert soup.select_one("#username")["value"] == HOSTILE


def test_the_welcome_page_explains_the_password_and_says_why_a_code_is_refused(stranger):
    soup = read(stranger.get("/hub/welcome"))
    assert_sound(soup)
    assert not soup.select("[role=alert]")
    assert "At least 10 characters" in text(soup)
    fields = {field["name"]: field for field in soup.select("input")}
    assert set(fields) == {"_xsrf", "code", "password", "password_again"}
    assert fields["password"]["minlength"] == "10"

    code = '"><img src=x>'
    xsrf = fields["_xsrf"]["value"]
    soup = read(
        stranger.post("/hub/welcome", data={"_xsrf": xsrf, "code": code, "password": "a", "password_again": "a"})
    )
    assert_sound(soup)
    assert text(soup, "[role=alert]") == "This invitation was used already. Ask an administrator for a new one."
    assert soup.select_one("#code")["value"] == code


def test_home_shows_a_stopped_server_then_a_running_one(sign_in):
    client = sign_in("grace")
    soup = read(client.get("/hub/home"))
    assert_sound(soup)
    assert "Not running" in text(soup, ".server")
    assert soup.select_one("#start")["href"] == "/hub/spawn/grace"
    assert "Acre 9.9.9" in text(soup, "footer")

    client.get("/hub/spawn")
    soup = wait_for(client, "/hub/home", "[data-state=running]")
    assert_sound(soup)
    assert soup.select_one("#start")["href"] == "/user/grace/lab"
    assert soup.select_one("button#stop")


def test_home_leads_to_the_tutorials_with_their_paths_quoted_once(sign_in):
    links = read(sign_in("grace").get("/hub/home")).select(".card a")
    assert [link.get_text() for link in links] == ["Leaf area from Sentinel-2", "Your own code in parallel"]
    targets = [parse_qs(urlsplit(link["href"]).query)["next"] for link in links]
    assert targets == [
        ["/user/grace/lab/tree/Start%20here/Leaf%20area%20from%20Sentinel-2.ipynb"],
        ["/user/grace/lab/tree/Start%20here/50%25%20%26%20more%3F.ipynb"],
    ]


def test_a_running_server_opens_the_tutorial_at_once(sign_in):
    client = sign_in("grace")
    client.get("/hub/spawn")
    link = wait_for(client, "/hub/home", "[data-state=running]").select_one(".card a")["href"]
    answer = client.get(link, follow_redirects=False)
    assert answer.headers["location"] == "/user/grace/lab/tree/Start%20here/Leaf%20area%20from%20Sentinel-2.ipynb"


def test_home_names_the_people_and_only_administrators_are_led_to_administration(sign_in):
    grace, ada = sign_in("grace"), sign_in("ada")
    names = [tag.get_text() for tag in read(grace.get("/hub/home")).select(".people .name")]
    assert {"ada", "grace"} <= set(names)
    assert not read(grace.get("/hub/home")).select("[href='/hub/admin']")
    assert read(ada.get("/hub/home")).select("[href='/hub/admin']")
    for path in ("/hub/token", "/hub/change-password", "/hub/logout"):
        assert read(grace.get("/hub/home")).select(f"nav [href='{path}']")


@pytest.mark.parametrize("name", ["<b>bold", "o'hara&co?"])
def test_hostile_names_stay_text(sign_in, name):
    client = sign_in(name)
    soup = read(client.get("/hub/home"))
    assert_sound(soup)
    assert text(soup, "h1") == f"Hello, {name}"
    assert not soup.select("b")
    started = client.get(soup.select_one("#start")["href"], follow_redirects=False)
    assert started.status_code == 302


def test_a_starting_server_shows_its_progress(sign_in):
    client = sign_in("patient")
    soup = read(client.get("/hub/spawn"))
    assert_sound(soup)
    assert text(soup, "h1") == "Your server is starting"
    assert soup.select_one("[role=status]")
    progress = soup.select_one("[data-progress]")["data-progress"]
    with client.stream("GET", progress) as events:
        first = next(line for line in events.iter_lines() if line.startswith("data:"))
    assert "Server requested" in first
    home = read(client.get("/hub/home"))
    assert home.select_one("[data-state=starting] #start")["href"] == "/hub/spawn-pending/patient"


def test_a_failed_start_gives_the_reason_as_text_and_a_way_to_try_again(sign_in):
    client = sign_in("unlucky")
    client.get("/hub/spawn")
    soup = wait_for(client, "/hub/spawn-pending/unlucky", ".problem:not([hidden])")
    assert_sound(soup)
    assert f"There is no room on this machine {HOSTILE}" in text(soup, "[role=alert]")
    assert soup.select_one("#start")["href"] == "/hub/spawn/unlucky"


def test_a_link_into_a_stopped_server_offers_to_start_it(sign_in):
    answer = sign_in("linus").get("/hub/user/linus/lab/tree/work")
    soup = read(answer)
    assert_sound(soup)
    assert text(soup, "h1") == "Your server is not running"
    assert soup.select_one("#start")["href"].startswith("/hub/spawn/linus?next=")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_an_error_page_says_what_happened_and_what_to_do(stranger, status):
    answer = stranger.get(f"/hub/broken/{status}")
    soup = read(answer)
    assert answer.status_code == status
    assert_sound(soup)
    assert str(status) in text(soup)
    assert soup.select_one("main .actions a")
    if status != 404:
        assert f"The reason is {HOSTILE}." in text(soup)


def test_an_accident_in_the_hub_shows_no_insides(stranger):
    answer = stranger.get("/hub/broken/0")
    soup = read(answer)
    assert answer.status_code == 500
    assert_sound(soup)
    assert text(soup, "h1") == "Something went wrong in Acre"
    assert "secret inside" not in answer.text
    assert "Traceback" not in answer.text


def test_a_page_that_does_not_exist_is_ours(stranger):
    soup = read(stranger.get("/hub/no-such-page"))
    assert_sound(soup)
    assert "does not exist" in text(soup)


@pytest.mark.parametrize("path", ["/hub/token", "/hub/admin"])
def test_stock_pages_work_in_our_dress(sign_in, path):
    answer = sign_in("ada").get(path)
    soup = read(answer)
    assert answer.status_code == 200
    assert "Acre" in soup.select_one(".navbar-brand").get_text()
    assert soup.select("script[src*=require]")
    assert soup.select("link[href*='acre-static/stock.css']")


def test_changing_the_password_has_a_page_of_ours(sign_in):
    soup = read(sign_in("grace").get("/hub/change-password"))
    assert_sound(soup)
    names = [field["name"] for field in soup.select("input")]
    assert names == ["_xsrf", "username", "old_password", "new_password", "new_password_confirmation"]


@pytest.mark.parametrize("name", ["acre.css", "acre.js", "stock.css", "logo.svg", "field.svg"])
def test_static_files_are_cached_only_at_their_versioned_address(stranger, name):
    versioned = stranger.get(f"/hub/acre-static/{name}?v=1")
    assert versioned.status_code == 200
    assert "max-age=31" in versioned.headers["cache-control"]
    assert stranger.get(f"/hub/acre-static/{name}").headers["cache-control"] == "no-cache"


def test_static_files_do_not_lead_out_of_their_folder(hub):
    with httpx.Client(base_url=hub) as client:
        assert client.get("/hub/acre-static/..%2fpages.py").status_code in (403, 404)


def test_the_page_for_a_hub_that_is_down_needs_nothing_else():
    soup = BeautifulSoup((pages.STATIC / "starting.html").read_text(), "html.parser")
    assert soup.select_one("meta[http-equiv=refresh]")["content"] == "2"
    assert "this page tries again by itself" in text(soup)
    assert not soup.select("script, link[rel=stylesheet], img")


def tokens():
    """The colours of the light scheme and of the dark one."""
    css = (pages.STATIC / "acre.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    )
    return {"light": light, "dark": dark}


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """Contrast ratio of WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        *((front, back, 4.5) for front in ("ink", "quiet", "accent") for back in ("paper", "sheet", "wash")),
        ("ink", "danger-wash", 4.5),
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-strong", 4.5),
        ("on-danger", "danger", 4.5),
        ("edge", "paper", 3),
        ("edge", "sheet", 3),
        ("focus", "paper", 3),
        ("focus", "sheet", 3),
    ],
)
def test_colours_are_legible(scheme, front, back, least):
    colours = tokens()[scheme]
    assert contrast(colours[front], colours[back]) >= least


def test_the_pages_name_no_foreign_address():
    templates = Path(pages.template_paths()[0])
    sources = [*templates.iterdir(), *pages.STATIC.iterdir()]
    assert len(sources) > 15
    for source in sources:
        foreign = re.findall(r"https?://(?!www\.w3\.org/2000/svg)\S+", source.read_text())
        assert not foreign, source
