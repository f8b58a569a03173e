"""Chromium through Playwright, with everything a page complains about collected."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from harness.programs import REPOSITORY, find_program
from harness.server import OWNER_EMAIL, OWNER_PASSWORD, Bugle

OUTPUT = REPOSITORY / "tests" / "output"
DESKTOP = 1280
PHONE = 390
HEIGHT = 900
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

REPORT_POLICY_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy: ${event.violatedDirective} blocked ${event.blockedURI || event.sourceFile}`));
"""


def launch_chromium(playwright: Playwright) -> Browser:
    """Starts Debian's Chromium; nothing is downloaded."""
    return playwright.chromium.launch(executable_path=find_program("chromium"), args=FLAGS)


class Visitor:
    """One person with one browser: a context, its page, and every complaint seen so far."""

    def __init__(self, context: BrowserContext, base_url: str):
        self.context = context
        self.base_url = base_url
        self.complaints: list[str] = []
        context.add_init_script(REPORT_POLICY_VIOLATIONS)
        self.page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"{self.page.url}: dialog {dialog.message!r}"))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.type} {message.text}")

    def open(self, path: str) -> Page:
        """Opens a path of the server; anything but 200 at the end of redirects is a failure."""
        answer = self.page.goto(self.base_url + path)
        assert answer and answer.status == 200, f"{path} answered {answer and answer.status}"
        return self.page

    def log_in(self, email: str = OWNER_EMAIL, password: str = OWNER_PASSWORD) -> None:
        """Logs in through the form."""
        page = self.open("/login")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/login" not in url)

    def cookie_header(self) -> str:
        """The cookies of the session as the value of a `Cookie` header, for plain HTTP clients."""
        return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in self.context.cookies())

    def text(self) -> str:
        """The text of the page, folded parts included."""
        return self.page.locator("body").text_content() or ""

    def screenshot(self, name: str) -> Path:
        """Saves the whole page as tests/output/NAME.png."""
        OUTPUT.mkdir(exist_ok=True)
        path = OUTPUT / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        return path

    def assert_fits(self) -> None:
        """Fails when the page is wider than the window and would scroll sideways."""
        wide = self.page.locator("html").evaluate("page => page.scrollWidth - page.clientWidth")
        assert wide <= 0, f"{self.page.url} is {wide} px wider than the window"

    def assert_quiet(self) -> None:
        """Fails when a page logged an error or warning, raised, opened a dialog or broke the content policy."""
        assert not self.complaints, "\n".join(self.complaints)


@contextmanager
def visit(browser: Browser, server: Bugle, width: int = DESKTOP, **options: Any) -> Iterator[Visitor]:
    """A visitor in a fresh context; `options` are Playwright's, such as color_scheme or java_script_enabled."""
    context = browser.new_context(viewport={"width": width, "height": HEIGHT}, **options)
    try:
        yield Visitor(context, server.base_url)
    finally:
        context.close()
