"""Which pod, and so which reference manager, somebody comes to (P12); and who is asked when nobody is named."""

from typing import Any

from django.db.models import Count, Q

from advocacy.crm.models import Account, Program
from advocates.models import Advocate, Pod


def choose(account: Account, *, prefer_manager: Any = None) -> Pod | None:
    """The pod a new member joins: their region's, with room, the emptiest; None where there is no pod at all.

    A pod whose manager invited them comes first. When all are full the emptiest takes one more: nobody is left alone.
    """
    size = Program.current().pod_size
    pods = list(Pod.objects.annotate(members=Count("advocates", filter=Q(advocates__status=Advocate.Status.MEMBER))))
    manager_id = getattr(prefer_manager, "pk", None)

    def rank(pod: Any) -> tuple[bool, int, bool, int, int]:
        elsewhere = 0 if pod.region == account.region else 1 if not pod.region else 2
        return (pod.members >= size, elsewhere, pod.manager_id != manager_id, pod.members, pod.pk)

    # Region before room: a full pod of the region beats an empty one on the other side of the world.
    return min(pods, key=lambda pod: (rank(pod)[1] == 2, *rank(pod)), default=None)


def manager_of_account(account: Account) -> Any:
    """Who is asked about an account: its advocates' manager, its CSM, the region's manager; None when nobody is."""
    known = (
        Pod.objects.filter(advocates__contact__account=account, advocates__status=Advocate.Status.MEMBER)
        .select_related("manager")
        .order_by("pk")
        .first()
    )
    if known is not None:
        return known.manager
    if account.csm is not None:
        return account.csm
    pod = Pod.objects.filter(region=account.region).select_related("manager").order_by("pk").first()
    return pod.manager if pod else None
