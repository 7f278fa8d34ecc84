"""Settings of the grader service."""

from typing import Annotated, Any

from pydantic import field_validator
from pydantic_settings import NoDecode

from services.common.config import Settings
from services.grader.core.catalogue import GRADERS


class GraderSettings(Settings):
    graders: Annotated[tuple[str, ...], NoDecode] = tuple(GRADERS)
    """Names with commas between; each works in a consumer group of its own."""

    @field_validator("graders", mode="before")
    @classmethod
    def _known(cls, given: Any) -> Any:
        names = given
        if isinstance(given, str):
            names = tuple(dict.fromkeys(name.strip() for name in given.split(",")))
        unknown = [name for name in names if name not in GRADERS]
        if unknown or not names:
            raise ValueError(f"there are the graders {', '.join(GRADERS)}")
        return names
