"""The pages of all modes beside Animate, in the order of their buttons."""

from __future__ import annotations

from cmp_studio.services.studio import Studio
from cmp_studio.widgets.actions import Actions
from cmp_studio.widgets.annotate_page import AnnotatePage
from cmp_studio.widgets.mode_page import ModePage
from cmp_studio.widgets.probe_page import ProbePage
from cmp_studio.widgets.theme import ThemeManager


def make_pages(studio: Studio, actions: Actions, themes: ThemeManager) -> tuple[ModePage, ...]:
    """Return a page for each mode beside Animate."""
    return (AnnotatePage(studio, actions, themes), ProbePage(studio, themes))
