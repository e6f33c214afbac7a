"""Where counted links of mail lead: on to the page at once; and the picture of an opening, where the program has one.

Both are public, for a mail is read without a sign-in; neither tells who it is, nor leads anywhere but to our own pages.
"""

from base64 import b64decode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from advocacy.crm.models import Program
from advocacy.delivery import measuring
from advocacy.lib.signed import BadLink
from advocacy.users.rights import public

PICTURE = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@public
@never_cache
@require_safe
def click(request: HttpRequest, token: str) -> HttpResponse:
    """On to the page this link of a mail leads to; that it was followed is kept, but not by whom else or with what."""
    try:
        public_id, link = measuring.target(token)
    except BadLink as problem:
        context = {"status": 404, "title": _("This link does not open"), "text": str(problem)}
        return render(request, "errors/error.html", context, status=404)
    if _a_person_may_have(request):
        measuring.clicked(public_id, link, at=timezone.now())
    return HttpResponseRedirect(link.path)


@public
@never_cache
@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """A picture of one clear dot. It counts while the program counts openings, and is only a picture otherwise."""
    try:
        public_id, number = measuring.read_token(token)
    except BadLink:
        return HttpResponse(status=404)
    if number == measuring.PICTURE and _a_person_may_have(request) and Program.current().measure_opens:
        measuring.opened(public_id, at=timezone.now())
    return HttpResponse(PICTURE, content_type="image/gif")


def _a_person_may_have(request: HttpRequest) -> bool:
    """Not a look ahead: those who only ask what is there, or fetch before anybody has chosen."""
    ahead = f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')}"
    return request.method == "GET" and "prefetch" not in ahead.lower()
