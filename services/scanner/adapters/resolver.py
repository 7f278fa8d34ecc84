"""Questions of many sites: what they share, and each site's way to ask."""

from collections.abc import Sequence

from services.scanner.adapters.counters import Counters
from services.scanner.adapters.endpoints import Endpoint
from services.scanner.adapters.limits import Limits
from services.scanner.adapters.sharing import Sharing
from services.scanner.adapters.site import SiteAsker
from services.scanner.adapters.targets import Targets, WorldTargets
from services.scanner.adapters.upstream import Upstream
from services.scanner.core.optout import NONE, OptOuts


class Resolver:
    """Made inside a running event loop. One per process: all sites share its answers.

    `targets` says which published addresses may be asked directly (none, unless given); the
    configured resolvers at `endpoints` are exempt from it.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        limits: Limits | None = None,
        optouts: OptOuts = NONE,
        targets: Targets | None = None,
    ) -> None:
        self.counters = Counters()
        self._limits = limits or Limits()
        self._optouts = optouts
        self._targets = targets or WorldTargets()
        self._upstream = Upstream(endpoints, self._limits, self.counters)
        self._sharing = Sharing(self._upstream)

    def for_site(self, run_id: int) -> SiteAsker:
        """An asker with a fresh budget that shares answers with the others of its run."""
        return SiteAsker(
            run_id, self._sharing, self._limits, self._optouts, self._targets, self.counters
        )

    def close(self) -> None:
        """Nothing more is sent; questions still under way are never answered."""
        self._upstream.close()
