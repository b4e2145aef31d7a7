"""After a day's work of two people, no log holds a token, a cookie, a password or a code."""


async def test_no_secret_is_in_any_log(environment):
    secrets = {file.read_text().strip() for file in environment.home.secrets.iterdir()}
    async with await environment.let_in("logged") as person:
        secrets.add(environment.passwords["logged"])
        await person.start_server()
        kernel = await person.open_kernel("x.ipynb")
        shown = await kernel.run("import os; print(os.environ['JUPYTERHUB_API_TOKEN'])")
        kernel.close()
        secrets.add(shown[0]["text"].strip())
        secrets |= {cookie.value.strip('"') for cookie in person.cookies() if len(cookie.value) > 8}
        await person.visit("/hub/api/user?token=0123456789abcdef0123456789abcdef")
    secrets |= {"0123456789abcdef0123456789abcdef", environment.invite("invited")}
    text = "".join(file.read_text(errors="replace") for file in environment.home.logs.rglob("*") if file.is_file())
    assert len(text) > 1000
    assert [secret for secret in secrets if secret in text] == []
