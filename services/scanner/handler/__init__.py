"""What the scanner does with a site, and with batches of them."""

from services.scanner.handler.batches import BatchScanner
from services.scanner.handler.outage import Outage
from services.scanner.handler.site import Asker, Origin, SiteScanner

__all__ = ["Asker", "BatchScanner", "Origin", "Outage", "SiteScanner"]
