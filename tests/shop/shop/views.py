"""One view per way to fail."""

import logging

import sentry_sdk
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from shop.tasks import ship_parcel

logger = logging.getLogger("shop.orders")


class OrderError(Exception):
    """An order that cannot be taken."""


def front(request: HttpRequest) -> HttpResponse:
    """The page that works."""
    return HttpResponse("The shop is open.")


def basket(request: HttpRequest, basket_id: int) -> HttpResponse:
    """An unhandled error with locals, a breadcrumb and a user."""
    sentry_sdk.set_user({"id": "17", "username": "анна"})
    sentry_sdk.set_tag("basket.kind", "gift")
    logger.info("basket %s opened", basket_id)
    return HttpResponse(price_per_item(total_cents=1999, goods=[]))


def price_per_item(total_cents: int, goods: list[str]) -> float:
    """Divides by nothing when the basket is empty."""
    currency = "€ – евро"
    return total_cents / len(goods) if currency else 0.0


def order(request: HttpRequest) -> HttpResponse:
    """An error with an explicit cause."""
    try:
        {}["stock"]
    except KeyError as cause:
        raise OrderError("cannot take the order") from cause
    return HttpResponse()


def import_goods(request: HttpRequest) -> HttpResponse:
    """Two errors at once."""
    raise ExceptionGroup("import failed", [ValueError("line 3 has no price"), TypeError("line 9 is not text")])


def refund(request: HttpRequest) -> HttpResponse:
    """An error that is only logged, with parameters that differ from call to call."""
    logger.error("refund of order %s failed for %s", request.GET.get("order", "1"), "visa")
    return HttpResponse("later")


def newsletter(request: HttpRequest) -> HttpResponse:
    """A message without an exception."""
    sentry_sdk.capture_message("newsletter sent twice", level="warning")
    return HttpResponse("sorry")


@csrf_exempt
def pay(request: HttpRequest) -> HttpResponse:
    """An error while a form full of secrets is handled: they are in the request, in locals and in a breadcrumb."""
    card = request.POST["card_number"]
    receipt_line = f"charged to card {card}"
    form = request.POST.dict()
    sentry_sdk.add_breadcrumb(category="payment", message=f"trying card {card}", data={"password": form["password"]})
    sentry_sdk.set_context("payment", {"api_key": form["token"], "amount": 1999})
    raise RuntimeError(f"the bank refused {len(receipt_line)} characters")


def ship(request: HttpRequest) -> HttpResponse:
    """Leaves the work, and the failure, to a Celery worker."""
    ship_parcel.delay(parcel_id=23)
    return HttpResponse("on its way")
