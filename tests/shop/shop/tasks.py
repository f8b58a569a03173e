"""What the shop does in the background."""

from celery import shared_task


@shared_task
def ship_parcel(parcel_id: int) -> None:
    """Fails: nobody collects parcels on Sundays."""
    carriers: list[str] = []
    raise LookupError(f"no carrier for parcel {parcel_id} among {len(carriers)}")
