"""What the screens have in common that were opened on something chosen: a cause, a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from screens.state import MeshState


class _Titled(Protocol):
    @property
    def title(self) -> str: ...


About = TypeVar("About", bound=_Titled)


class OnChosen(Generic[About]):
    """Stands first among a screen's bases, before the screen that shows everything."""

    HAS_NAMESPACES: ClassVar[bool] = False

    def __init__(self, state: MeshState, about: About) -> None:
        """Look at what was asked about."""
        super().__init__(state)  # type: ignore[call-arg]
        self._about = about

    @property
    def crumb(self) -> str:
        """What it is about."""
        return self._about.title

    def _limit_tables(self) -> None:
        """The digits do not apply to what was chosen."""
