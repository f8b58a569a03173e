"""Makes the pictures of the README from the errors of the Django shop: docs/images/issues.png and issue.png."""

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

from playwright.sync_api import sync_playwright

from harness.browser import DESKTOP, Visitor, launch_chromium, visit
from harness.programs import REPOSITORY
from harness.redis import Redis
from harness.server import Bugle
from harness.shop import Shop, Worker, shop_environment

IMAGES = REPOSITORY / "docs" / "images"
HEIGHT = 860
VISITS = {"/basket/3/": 37, "/order/": 12, "/import/": 3, "/refund/?order=5": 21, "/newsletter/": 5, "/ship/": 8}


def main() -> None:
    """Runs the shop for a moment, then photographs its tracker."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(closing(Bugle(folder))).start()
        server.add_owner()
        run_the_shop(folder, server)
        browser = stack.enter_context(launch_chromium(stack.enter_context(sync_playwright())))
        with visit(browser, server, DESKTOP, device_scale_factor=2) as owner:
            photograph(owner, server)


def run_the_shop(folder: Path, server: Bugle) -> None:
    """Makes every kind of error of the shop happen a few times."""
    with ExitStack() as stack:
        redis = stack.enter_context(closing(Redis(folder)))
        env = shop_environment(server.dsn, pii=True, broker=redis.url)
        stack.enter_context(closing(Worker(folder, env)))
        shop = stack.enter_context(closing(Shop(folder, env)))
        for path, count in VISITS.items():
            for _ in range(count):
                shop.get(path)
        server.api.wait_for_issue("LookupError", VISITS["/ship/"])
    server.api.wait_for_issue("ZeroDivisionError", VISITS["/basket/3/"])


def photograph(owner: Visitor, server: Bugle) -> None:
    """The list of issues, and the page of the one with the most events."""
    owner.log_in()
    owner.page.set_viewport_size({"width": DESKTOP, "height": HEIGHT})
    issue = server.api.wait_for_issue("ZeroDivisionError")
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, path in (("issues", "/default/issues/"), ("issue", f"/issues/{issue['shortId']}/")):
        owner.open(path)
        owner.page.screenshot(path=IMAGES / f"{name}.png")
        print(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
