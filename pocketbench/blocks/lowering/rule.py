"""What makes a site take a form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pocketbench.blocks.lowering.site import Form, Site


def always(_site: Site) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """On `targets`, blocks of `kinds` take `form` where `fits` holds; `condition` says that in words, `reason` why.

    A form that takes the projection fits no site without one.
    """

    targets: tuple[str, ...]
    kinds: tuple[str, ...]
    form: Form
    reason: str
    fits: Callable[[Site], bool] = always
    condition: str = "always"

    def applies(self, site: Site, target: str) -> bool:
        if target not in self.targets or site.kind not in self.kinds:
            return False
        return (site.projection is not None or not self.form.takes_projection) and self.fits(site)
