"""What every store of SiteRuns does, the fake one and the real one alike."""

from abc import ABC, abstractmethod
from dataclasses import asdict, replace
from itertools import permutations
from typing import Any

import pytest

from services.common.messages.envelope import InvalidError
from services.common.reference.load import load
from services.processor.core.derive import derive
from services.processor.core.site_run import SiteRun
from services.processor.handler import SiteRuns
from tests.unit.processor.scan import scan
from tests.unit.scanner.world import SITE

RUN = 3
NO_RUN = 4
Stored = dict[int, dict[str, Any]]
"""What is stored of `RUN`, by site."""

ROW = derive(scan("site.test", SITE), load("world")).site_run
LATER = replace(ROW, finished_at=ROW.finished_at + 1, mx_records=[], has_mx=False)
SAME_TIME = replace(ROW, scan_id="ffffffff-f698-4d73-8dd2-9d0e0a1c6e53", mx_records=None)
BETTER_CODE = replace(SAME_TIME, processor_version=9, spf_policy="~all")
OTHER_DATA = replace(BETTER_CODE, reference_version=9, email_provider="Zoho")


class SiteRunsContract(ABC):
    @pytest.fixture
    @abstractmethod
    def store(self) -> SiteRuns:
        """A store with room for `RUN`."""

    @abstractmethod
    def stored(self, store: SiteRuns) -> Stored: ...

    def test_rows_come_back_as_they_were(self, store: SiteRuns) -> None:
        other = replace(ROW, site_id=6, domain="other.test", ns_ip_addresses={"ns.test": None})
        store.store([ROW, other])
        assert self.stored(store) == {5: plain(ROW), 6: plain(other)}

    def test_nothing_is_stored_of_nothing(self, store: SiteRuns) -> None:
        store.store([])
        assert self.stored(store) == {}

    @pytest.mark.parametrize("rows", list(permutations((ROW, SAME_TIME, BETTER_CODE, OTHER_DATA))))
    def test_the_newest_row_stays_in_any_order(
        self, store: SiteRuns, rows: tuple[SiteRun, ...]
    ) -> None:
        for row in rows:
            store.store([row])
        assert self.stored(store) == {5: plain(OTHER_DATA)}

    @pytest.mark.parametrize("rows", list(permutations((ROW, SAME_TIME, LATER))))
    def test_of_one_batch_too(self, store: SiteRuns, rows: tuple[SiteRun, ...]) -> None:
        store.store(rows)
        store.store([ROW, ROW])
        assert self.stored(store) == {5: plain(LATER)}

    def test_a_copy_of_a_scan_result_leaves_the_source_as_it_was(self, store: SiteRuns) -> None:
        copy = replace(ROW, source_offset=ROW.source_offset + 100, spf_policy="~all")
        later = replace(LATER, scan_id=SAME_TIME.scan_id, source_offset=copy.source_offset + 1)
        store.store([ROW])
        store.store([copy])
        assert self.stored(store) == {5: plain(replace(ROW, spf_policy="~all"))}
        store.store([later])
        assert self.stored(store) == {5: plain(later)}

    def test_a_run_without_a_place_is_invalid_and_nothing_is_stored(self, store: SiteRuns) -> None:
        with pytest.raises(InvalidError, match="site_runs"):
            store.store([ROW, replace(ROW, run_id=NO_RUN)])
        assert self.stored(store) == {}


def plain(row: SiteRun) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(row).items()
    }
