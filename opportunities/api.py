"""Requests to the reference desk through the API: filed for a colleague, and where each stands (D1, X5)."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import Count, Q
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from ninja import Query, Router, Schema, Status
from pydantic import AfterValidator, ConfigDict, Field

from advocacy.crm.models import Deal, StakeholderTeam
from advocacy.lib.endpoints import Problem, needs
from advocacy.lib.paging import page_by_key, place
from advocacy.users.models import User
from advocacy.users.rights import may
from opportunities.actions import desk as actions
from opportunities.forms.desk import RequestForm, text_from
from opportunities.models import Nomination, OpportunityKind, ReferenceRequest

router = Router(tags=["Requests"])

ORDER = ["filed_at", "pk"]
FILE = "opportunities.file_request"


def _plain(text: str) -> str:
    if any(ord(one) < 32 and one not in "\n\r\t" for one in text):
        raise ValueError(_("No control characters, please."))
    return text


Line = Annotated[str, AfterValidator(_plain), Field(max_length=200)]


class ProblemOut(Schema):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = []


PROBLEMS = dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429), ProblemOut)


class RequestIn(Schema):
    """What the form of the desk asks for. What is left out is taken from the deal, where there is one."""

    model_config = ConfigDict(extra="forbid")

    requester: Line = Field(description="The colleague's e-mail address; they follow it in the portal.")
    kind: Line = Field(description="The slug of a kind the desk takes, such as reference-call.")
    needed_by: date
    wanted: int = Field(1, ge=1, le=20, description="How many advocates.")
    prospect: Line | None = Field(None, description="The company; the deal's where there is one.")
    deal: Line | None = Field(None, description="The deal's id in your system.")
    deal_source: Line = Field("crm", description="The system that id belongs to.")
    another: bool = Field(False, description="File it though this deal has a request under way.")
    team: Line | None = Field(None, description="The slug of a stakeholder team.")
    needed_at: datetime | None = Field(None, description="The hour, for urgent kinds; with its zone.")
    too_early_because: Line | None = Field(
        None, description="Why it cannot wait, where the team's SOP calls the stage of the deal too early."
    )
    industry: Line | None = None
    employees: int | None = None
    region: Line | None = None
    country: Line | None = None
    language: Line | None = None
    product: Line | None = None
    use_case: Line | None = None
    competitor: Line | None = None
    prospect_domain: Line | None = None
    prospect_person: Line | None = None
    prospect_role: Line | None = None
    depth: Literal["overview", "practical", "technical"] | None = None
    questions: Annotated[str, AfterValidator(_plain), Field(max_length=4_000)] | None = None


class RequestOut(Schema):
    """Where a request stands. No advocate is named: whoever may see them does so in the portal."""

    id: UUID
    kind: str
    prospect: str
    deal: str | None
    requester: str
    status: str
    waiting_for: str
    wanted: int
    asked: int
    said_yes: int
    said_no: int
    needed_by: date
    filed_at: datetime
    promised_until: datetime | None
    first_yes_at: datetime | None
    fulfilled_at: datetime | None
    closed_at: datetime | None
    close_reason: str


class PageOut(Schema):
    """One page, and the cursor of the next; empty on the last."""

    items: list[RequestOut]
    next: str


def _rows() -> Any:
    said = Nomination.Status
    return ReferenceRequest.objects.select_related("kind", "deal", "requester").annotate(
        asked=Count("nominations", filter=~Q(nominations__status=said.WITH_OWNER)),
        said_yes=Count("nominations", filter=Q(nominations__status=said.ACCEPTED)),
        said_no=Count("nominations", filter=Q(nominations__status__in=[said.DECLINED, said.EXPIRED])),
    )


def _out(row: Any) -> dict[str, Any]:
    return {
        "id": row.public_id, "kind": row.kind.slug, "prospect": row.prospect,
        "deal": row.deal.external_id if row.deal else None, "requester": row.requester.email, "status": row.status,
        "waiting_for": row.waiting_for, "wanted": row.wanted, "asked": row.asked, "said_yes": row.said_yes,
        "said_no": row.said_no, "needed_by": row.needed_by, "filed_at": row.filed_at,
        "promised_until": row.promise_due_at, "first_yes_at": row.first_yes_at, "fulfilled_at": row.fulfilled_at,
        "closed_at": row.closed_at, "close_reason": row.close_reason,
    }  # fmt: skip


@router.post("/requests", response={201: RequestOut, **PROBLEMS}, summary="File a request")
@needs("requests:write", _l("file requests to the desk"))
def file_request(request: HttpRequest, payload: RequestIn) -> Any:
    """For a colleague, by the rules of the form; send an Idempotency-Key, so that a retry files nothing twice."""
    person = User.objects.filter(email__iexact=payload.requester.strip(), is_active=True).first()
    if person is None or not may(person, FILE):
        raise _wrong("requester", _("Nobody with this address files requests here."))
    deal = _one(
        Deal.objects.visible_to(person).filter(source=payload.deal_source), payload.deal, by="external_id", name="deal",
        words=_("This colleague has no such deal in the portal. Bring it first, or leave it out."),
    )  # fmt: skip
    kind = _one(
        OpportunityKind.objects.filter(for_requests=True), payload.kind, by="slug", name="kind",
        words=_("The desk takes no such kind."),
    )  # fmt: skip
    team = _one(StakeholderTeam.objects.all(), payload.team, by="slug", name="team", words=_("There is no such team."))
    given = payload.model_dump(exclude_none=True, exclude={"requester", "deal_source", "another", "needed_at"})
    told = {
        **text_from(deal),
        **given,
        "kind": kind.pk,
        "team": team.pk if team else "",
        "deal": deal.pk if deal else "",
    }
    if payload.another:
        told["anyway"] = "on"
    at = timezone.now()
    form = RequestForm(told, user=person, today=timezone.localdate(at))
    if not form.is_valid():
        errors = [
            {"pointer": f"/{'another' if name == 'anyway' else name}", "detail": str(said)}
            for name, found in form.errors.items()
            for said in found
        ]
        detail = _("Something in the request does not fit; each error says where and why.")
        raise Problem(422, detail, errors=errors)
    said = form.cleaned_data
    filed = actions.file_request(
        requester=person, kind=said["kind"], prospect=said["prospect"], needed_by=said["needed_by"],
        wanted=said["wanted"], team=said["team"], deal=said["deal"], facts=form.facts, at=at,
        too_early_because=said["too_early_because"], needed_at=_with_zone(payload.needed_at),
    )  # fmt: skip
    return Status(201, _out(_rows().get(pk=filed.pk)))


def _with_zone(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise _wrong("needed_at", _("Say the zone as well, such as 2026-03-27T14:00:00+01:00."))
    return moment


def _one(rows: Any, value: str | None, *, by: str, name: str, words: str) -> Any:
    if value is None:
        return None
    found = rows.filter(**{by: value}).first()
    if found is None:
        raise _wrong(name, words)
    return found


def _wrong(name: str, words: str) -> Problem:
    return Problem(422, words, errors=[{"pointer": f"/{name}", "detail": words}])


class Wanted(Schema):
    """Which requests."""

    status: str | None = Field(None, max_length=10, description="Such as new, asked, scheduled or fulfilled.")
    deal: Line | None = Field(None, description="A deal's id.")
    requester: Line | None = Field(None, description="A colleague's e-mail address.")
    cursor: str = Field("", max_length=500)
    limit: int = Field(100, ge=1, le=500)


@router.get("/requests", response={200: PageOut, **PROBLEMS}, summary="Where requests stand")
@needs("requests:read", _l("read where requests stand"))
def read_requests(request: HttpRequest, wanted: Query[Wanted]) -> dict[str, Any]:
    """In the order in which they were filed."""
    rows = _rows()
    if wanted.status is not None:
        if wanted.status not in ReferenceRequest.Status.values:
            known = ", ".join(ReferenceRequest.Status.values)
            raise _wrong("status", _("There is no such status. These are: %(known)s.") % {"known": known})
        rows = rows.filter(status=wanted.status)
    if wanted.deal:
        rows = rows.filter(deal__external_id=wanted.deal)
    if wanted.requester:
        rows = rows.filter(requester__email__iexact=wanted.requester)
    if wanted.cursor and place(rows, ORDER, wanted.cursor) is None:
        raise Problem(422, _("That cursor is not one of ours. Send the “next” of a page as it came, or none."))
    page = page_by_key(rows, ORDER, {"after": wanted.cursor}, size=wanted.limit)
    return {"items": [_out(row) for row in page.items], "next": page.next}


@router.get("/requests/{uuid:request_id}", response={200: RequestOut, **PROBLEMS}, summary="Where one request stands")
@needs("requests:read", _l("read where requests stand"))
def read_request(request: HttpRequest, request_id: UUID) -> dict[str, Any]:
    """Its status, whom it waits for, and the promise."""
    row = _rows().filter(public_id=request_id).first()
    if row is None:
        raise Http404
    return _out(row)
