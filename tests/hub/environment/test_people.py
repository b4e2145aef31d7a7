"""Signing in, from the side of those who should not get in too."""

import re

import httpx
import pytest

WRONG = "Name and password do not fit"


async def post_form(environment, page, **fields):
    async with httpx.AsyncClient(base_url=environment.address, follow_redirects=True) as browser:
        xsrf = re.search(r'name="_xsrf"\s+value="([^"]+)"', (await browser.get(page)).text)[1]
        answer = await browser.post(page, data={"_xsrf": xsrf, **fields})
        return answer, [cookie.name for cookie in browser.cookies.jar if "login" in cookie.name]


async def test_a_wrong_password_and_an_unknown_name_get_the_same_sentence(environment):
    async with await environment.let_in("ada"):
        pass
    known, cookies = await post_form(environment, "/hub/login", username="ada", password="wrong")
    unknown, none = await post_form(environment, "/hub/login", username="nobody", password="wrong")
    assert WRONG in known.text
    assert WRONG in unknown.text
    assert known.status_code == unknown.status_code == 403
    assert cookies == none == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../admin",
        "admin/../admin",
        "admin%00",
        "Admin\n",
        "a" * 10_000,
        "<script>alert(1)</script>",
        "ada lovelace",
    ],
)
async def test_hostile_names_are_just_wrong(environment, name):
    answer, cookies = await post_form(environment, "/hub/login", username=name, password="x")
    assert answer.status_code == 403
    assert WRONG in answer.text
    assert "<script>alert" not in answer.text
    assert cookies == []


async def test_a_form_without_fields_or_with_a_password_of_10_kb_is_just_wrong(environment):
    answer, _ = await post_form(environment, "/hub/login")
    assert answer.status_code == 403
    answer, _ = await post_form(environment, "/hub/login", username="ada", password="x" * 10_000)
    assert answer.status_code == 403


async def test_a_form_without_its_token_is_refused(environment):
    async with httpx.AsyncClient(base_url=environment.address) as browser:
        answer = await browser.post("/hub/login", data={"username": "admin", "password": "x"})
        assert answer.status_code == 403
        answer = await browser.post(
            "/hub/welcome", data={"code": "x", "password": "x" * 12, "password_again": "x" * 12}
        )
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short", "short", "at least 10 characters"),
        ("long enough 1", "long enough 2", "differ"),
        ("é" * 40, "é" * 40, "at most 72"),
        ("1234567890", "1234567890", "most common"),
    ],
)
async def test_a_poor_password_is_refused_and_does_not_cost_the_invitation(environment, password, again, said):
    name = f"chooser{len(said)}"
    code = environment.invite(name)
    answer, cookies = await post_form(environment, "/hub/welcome", code=code, password=password, password_again=again)
    assert said in answer.text
    assert cookies == []
    good = "a good password"
    answer, cookies = await post_form(environment, "/hub/welcome", code=code, password=good, password_again=good)
    assert cookies


async def test_an_invitation_opens_once_and_a_renewed_one_replaces_it(environment):
    first = environment.invite("renewed")
    second = environment.invite("renewed", "--renew")
    good = {"password": "a good password", "password_again": "a good password"}
    refused, cookies = await post_form(environment, "/hub/welcome", code=first, **good)
    assert "not valid" in refused.text
    assert cookies == []
    _, cookies = await post_form(environment, "/hub/welcome", code=second, **good)
    assert cookies
    refused, cookies = await post_form(environment, "/hub/welcome", code=second, **good)
    assert "not valid" in refused.text
    assert cookies == []


async def test_too_many_wrong_passwords_make_the_account_wait_and_say_so(environment):
    async with await environment.let_in("forgetful"):
        pass
    for _ in range(10):
        await post_form(environment, "/hub/login", username="forgetful", password="wrong")
    right = environment.passwords["forgetful"]
    answer, cookies = await post_form(environment, "/hub/login", username="forgetful", password=right)
    assert "Too many wrong passwords" in answer.text
    assert cookies == []


async def test_a_removed_person_is_out_at_once_and_the_next_of_that_name_gets_no_file(environment):
    async with await environment.let_in("leaver") as leaver:
        await leaver.start_server()
        kernel = await leaver.open_kernel("x.ipynb")
        await kernel.run("open('secret.txt', 'w').write('mine')")
        kernel.close()
        result = environment.acre("user", "remove", "leaver")
        assert result.returncode == 0, result.stderr
        assert await leaver.visit("/hub/api/user") == 403
        gone = await leaver._http.get("/user/leaver/api/contents/secret.txt", follow_redirects=False)
        assert gone.status_code != 200
    aside = re.search(r"files are now in (\S+)", result.stdout)[1]
    assert "leaver" in aside
    answer, cookies = await post_form(
        environment, "/hub/login", username="leaver", password=environment.passwords.pop("leaver")
    )
    assert WRONG in answer.text
    assert cookies == []
    async with await environment.let_in("leaver") as newcomer:
        await newcomer.start_server()
        assert await newcomer.visit("/user/leaver/api/contents/secret.txt") == 404


async def test_the_operators_interface_is_closed_to_people(environment):
    async with await environment.let_in("ada") as ada:
        assert await ada.visit("/services/acre/api/people") == 403
    for token in ("", "token wrong", "Bearer", "token é".encode()):
        answer = httpx.get(f"{environment.address}/services/acre/api/people", headers={"Authorization": token})
        assert answer.status_code == 403
        assert answer.json()["code"] == "not_allowed"


@pytest.mark.parametrize(
    ("present", "new", "said"),
    [
        (None, "a new good password", "has been changed"),
        ("wrong", "a new good password", "present password is not right"),
        ("x" * 100, "a new good password", "present password is not right"),
        (None, "x" * 100, "at most 72"),
        (None, "short", "at least 10"),
    ],
)
async def test_people_change_their_password_by_the_same_rules(environment, present, new, said):
    async with await environment.let_in("changer") as person:
        present = present or environment.passwords["changer"]
        xsrf = re.search(r'name="_xsrf"\s+value="([^"]+)"', (await person._http.get("/hub/change-password")).text)[1]
        form = {"_xsrf": xsrf, "old_password": present, "new_password": new, "new_password_confirmation": new}
        answer = await person._http.post("/hub/change-password", data=form)
    assert answer.status_code == 200
    assert said in answer.text
    if "has been changed" in said:
        environment.passwords["changer"] = new
    async with await environment.let_in("changer"):
        pass


async def test_an_account_deleted_on_the_hubs_own_page_leaves_nothing_to_the_next_of_that_name(environment):
    async with await environment.let_in("fleeting") as person:
        await person.start_server()
        kernel = await person.open_kernel("x.ipynb")
        await kernel.run("open('secret.txt', 'w').write('mine')")
        kernel.close()
    unused = environment.invite("fleeting", "--renew")
    async with await environment.let_in("boss", "--admin") as boss:
        headers = {"X-XSRFToken": boss._cookie("_xsrf", "/hub/")}
        assert (await boss._http.delete("/hub/api/users/fleeting", headers=headers)).status_code == 204
    del environment.passwords["fleeting"]
    answer, cookies = await post_form(
        environment, "/hub/welcome", code=unused, password="a good password", password_again="a good password"
    )
    assert "not valid" in answer.text
    assert cookies == []
    async with await environment.let_in("fleeting") as newcomer:
        await newcomer.start_server()
        assert await newcomer.visit("/user/fleeting/api/contents/secret.txt") == 404


async def test_a_new_password_by_invitation_ends_the_sessions_of_an_intruder(environment):
    async with await environment.let_in("robbed") as intruder:
        assert await intruder.visit("/hub/api/user") == 200
        new = "a password of her own"
        await post_form(
            environment, "/hub/welcome", code=environment.invite("robbed", "--renew"), password=new, password_again=new
        )
        environment.passwords["robbed"] = new
        assert await intruder.visit("/hub/api/user") == 403
