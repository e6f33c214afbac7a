"""Where points stand: the tier reached and the next one (P21)."""

from dataclasses import dataclass

from advocates.models import Tier


@dataclass(frozen=True)
class Standing:
    """A tier, and how far the next one is. Without a next one ``to_go`` is nothing."""

    total: int
    tier: Tier | None
    next: Tier | None

    @property
    def to_go(self) -> int:
        return max(0, self.next.from_points - self.total) if self.next else 0


def standing(total: int) -> Standing:
    """The tier these points have reached."""
    tiers = list(Tier.objects.order_by("from_points"))
    reached = [tier for tier in tiers if tier.from_points <= total]
    ahead = [tier for tier in tiers if tier.from_points > total]
    return Standing(total, reached[-1] if reached else None, ahead[0] if ahead else None)
