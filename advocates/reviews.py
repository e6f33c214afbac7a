"""Who may be asked for a public review: chosen by nothing that tells how somebody feels about us (P19). Pure.

The same judgement is made when something is saved and again when it sends, because a cohort can be rewritten between
the two. It looks at what an audience is built from, whatever builds it: a rule now, anything else by the same call.
"""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from advocacy.crm.catalogue import SIGNAL_KINDS
from advocates.segments import Segment


def why_not(
    *, asks_public_review: bool, signals: Iterable[str] = (), felt: bool = False, among: Iterable[Segment] = ()
) -> str | None:
    """Why these sources cannot choose who is asked, as a sentence; None where they can or no review is asked for.

    ``signals``: the kinds that start it. ``felt``: whether a condition of its own looks at feelings. ``among``: every
    segment the people come from. Membership counts as a feeling: who is in the program may have been invited for one.
    So do deeds in the portal, which only members can do.
    """
    if not asks_public_review:
        return None
    chosen_by, started_by = list(among), [SIGNAL_KINDS[kind] for kind in signals if kind in SIGNAL_KINDS]
    if felt or any(kind.tells_feelings for kind in started_by) or any(one.carries_sentiment for one in chosen_by):
        return _("An ask for a public review must not depend on how somebody feels about us.")
    if any(kind.in_portal for kind in started_by) or any(one.looks_at_membership for one in chosen_by):
        return _(
            "An ask for a public review must not depend on being in the program, because feelings may have led there. "
            "Choose people by facts about them and their account instead."
        )
    return None
