"""A real browser for the tests of pages: Chromium of the system, driven by Playwright.

Without one the tests are skipped, unless MPGG_REQUIRE_BROWSER is set, as it is in continuous integration.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

REQUIRE = "MPGG_REQUIRE_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Root has no sandbox; the pages are our own. Shared memory can be scarce in containers.
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
PATIENCE = 120_000  # milliseconds; a machine that does much else can be slow, and only a failing test waits so long
LOCAL = ("file:", "data:", "blob:")
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""


@contextmanager
def launched() -> Iterator[Any]:
    """A browser; skips the test, or fails it if one is required, where there is none."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        _absent("Playwright is not installed (pip install 'mpgg-env[test]')")
    if path is None:
        _absent("no Chromium found (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS), timeout=PATIENCE)
        yield browser
        browser.close()


def _absent(reason: str) -> None:
    if os.environ.get(REQUIRE):
        pytest.fail(f"{REQUIRE} is set, but {reason}")
    pytest.skip(f"{reason}; set {REQUIRE}=1 to make this a failure")


@contextmanager
def visited(browser: Any, file: Path, width: int = 1280, **settings: Any) -> Iterator[Any]:
    """A page that is open in the browser, and at the end has made no error and asked for nothing from outside."""
    context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True, **settings)
    context.add_init_script(WATCH)
    faults: list[str] = []

    def only_local(route: Any) -> None:
        if route.request.url.startswith(LOCAL):
            route.continue_()
        else:
            faults.append(f"request of {route.request.url}")
            route.abort()

    context.route("**/*", only_local)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.goto(file.resolve().as_uri())
    yield page
    faults.extend(f"policy: {violation}" for violation in page.evaluate("window.violations"))
    context.close()
    assert not faults, faults
