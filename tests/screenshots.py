"""Makes the pictures of the README from the errors of the Django shop: docs/images/issue-list.png and issue.png."""

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
HEIGHTS = {"issue-list": 640, "issue": 900}
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
        env = shop_environment(server.add_project("Shop"), pii=True, broker=redis.url)
        stack.enter_context(closing(Worker(folder, env)))
        shop = stack.enter_context(closing(Shop(folder, env)))
        for path, count in VISITS.items():
            for _ in range(count):
                shop.get(path)
        server.api.wait_for_issue("LookupError", VISITS["/ship/"], "shop")
    server.api.wait_for_issue("ZeroDivisionError", VISITS["/basket/3/"], "shop")


def photograph(owner: Visitor, server: Bugle) -> None:
    """The list of issues, and the page of the one with the most events."""
    owner.log_in()
    issue = server.api.wait_for_issue("ZeroDivisionError", project="shop")
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, path in (("issue-list", "/shop/issues/"), ("issue", f"/issues/{issue['shortId']}/")):
        owner.page.set_viewport_size({"width": DESKTOP, "height": HEIGHTS[name]})
        owner.open(path)
        owner.page.screenshot(path=IMAGES / f"{name}.png")
        print(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
