"""A real Chromium for the tests that need eyes: the one that is installed, or a plain word that there is none."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, sync_playwright

# Playwright's synchronous interface runs an event loop of its own in this thread; Django would refuse the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("No Chromium is installed; the tests in a browser are left out.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, live_server: Any) -> Iterator[OpenPage]:
    """``open_page("/look/", user=rita, width=320, dark=True, scripts=False)``: a page, signed in, policy breaches kept.

    What the browser complains about (a blocked style, a script that fails) is collected in ``page.complaints``.
    """
    contexts = []

    def open_it(path: str, user: Any = None, *, width: int = 1280, dark: bool = False, scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        if user is not None:
            context.add_cookies([{**_session_of(user), "url": live_server.url}])
        page = context.new_page()
        page.complaints = []  # type: ignore[attr-defined]
        page.on(
            "console",
            lambda said: page.complaints.append(said.text) if said.type == "error" else None,  # type: ignore[attr-defined]
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
        page.goto(path)
        return page

    yield open_it
    for context in contexts:
        context.close()


def _session_of(user: Any) -> dict[str, str]:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    return {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}


def breaches(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, a line each, on the page that stands when everything of it has come.

    A button pressed just before may still bring another page, under axe's feet: then that page is the one looked at.
    A page whose style sheets are still on their way has colours that nobody will see.
    """
    for last in (False, False, True):
        page.wait_for_load_state("load")
        address = page.url
        try:
            page.evaluate("Promise.all(document.getAnimations().map(one => one.finished.catch(() => 0)))")  # fades
            found = Axe().run(page, options={"runOnly": RULES, "preload": False}).response["violations"]
        except Error:
            if last:
                raise
            continue
        if page.url == address or last:
            break
    return [f"{one['id']}: {node['html'][:160]} {_measured(node)}" for one in found for node in one["nodes"]]


def _measured(node: dict[str, Any]) -> str:
    """What a contrast was measured to be: ``#767b79 on #ffffff``, or nothing."""
    seen = next((one["data"] for one in node["any"] if isinstance(one.get("data"), dict)), {})
    return f"{seen['fgColor']} on {seen['bgColor']}" if "fgColor" in seen else ""


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
