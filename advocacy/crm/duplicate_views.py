"""What is there twice: the pairs that look alike, two side by side, what was merged lately and the way back."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.crm import duplicates, merging
from advocacy.crm.models import Account, Likeness, Merge, Twins
from advocacy.lib.lifecycle import Refused
from advocacy.lib.numbers import money
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import requires

ON_A_PAGE = 25
LATELY = 10


def _rows(kind: str, ids: Iterable[int]) -> dict[int, Any]:
    rows = duplicates.MODELS[kind].with_merged.filter(pk__in=set(ids))
    return {row.pk: row for row in (rows.select_related("account") if kind == Twins.CONTACT else rows)}


def _name(kind: str, row: Any) -> str:
    return str(row.full_name if kind == Twins.CONTACT else row.name)


def _more(kind: str, row: Any) -> str:
    parts = (row.email, row.account.name) if kind == Twins.CONTACT else (row.domain, row.region)
    return ", ".join(part for part in parts if part)


@requires("crm.merge")
def overview(request: HttpRequest) -> HttpResponse:
    """The pairs that look alike, and what was merged lately."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in Twins.values else Twins.ACCOUNT
    page = page_by_key(Likeness.objects.filter(kind=kind, settled=""), ("pk",), request.GET, size=ON_A_PAGE)
    rows = _rows(kind, (pk for pair in page.items for pk in (pair.first, pair.second)))
    pairs = []
    for pair in page.items:
        first, second = rows.get(pair.first), rows.get(pair.second)
        if first and second and not first.merged_into_id and not second.merged_into_id:
            pairs.append((pair, *((_name(kind, row), _more(kind, row)) for row in (first, second))))
    at = timezone.now()
    lately = list(Merge.objects.filter(kind=kind).select_related("by", "undone_by").order_by("-at", "-pk")[:LATELY])
    rows = _rows(kind, (pk for made in lately for pk in (made.stays, made.gone)))
    for made in lately:
        made.names = _name(kind, rows[made.gone]), _name(kind, rows[made.stays])  # type: ignore[attr-defined]
        made.may_be_undone = bool(  # type: ignore[attr-defined]
            made.record and not made.undone_at and at <= merging.undoable_until(made)
        )
        made.until = merging.undoable_until(made)  # type: ignore[attr-defined]
    context = {
        "kind": kind, "pairs": pairs, "page": page, "lately": lately,
        "open": {value: Likeness.objects.filter(kind=value, settled="")[:1000].count() for value in Twins.values},
    }  # fmt: skip
    context["tabs"] = [(value, label, context["open"][value]) for value, label in Twins.choices]  # type: ignore[index]
    return respond(request, "crm/duplicates.html", context)


@requires("crm.merge")
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Look through all accounts and contacts now."""
    new = duplicates.look(at=timezone.now())
    if new:
        messages.success(
            request,
            ngettext("%(number)s pair more looks alike.", "%(number)s pairs more look alike.", new) % {"number": new},
        )
    else:
        messages.success(request, _("Nothing new looks alike."))
    return redirect("duplicates:list")


@requires("crm.merge")
@require_http_methods(["GET", "HEAD", "POST"])
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Two side by side: which one stays, and which facts are right."""
    pair = get_object_or_404(Likeness, pk=pk)
    rows = duplicates.both(pair)
    if rows is None or pair.settled == Likeness.Settled.MERGED:
        messages.warning(request, _("These two have been merged already."))
        return redirect(_list(pair.kind))
    status = 200
    if request.method == "POST":
        stays, gone = rows if request.POST.get("stays") == str(rows[0].pk) else (rows[1], rows[0])
        take = {name: request.POST.get(f"fact_{name}") == str(gone.pk) for name in merging.FIELDS[pair.kind]}
        try:
            if request.POST.get("stays") not in {str(row.pk) for row in rows}:
                raise Refused(_("Say which of the two stays."))
            made = merging.merge(pair.kind, stays=stays.pk, gone=gone.pk, take=take, by=request.user, at=timezone.now())
            messages.success(
                request,
                _("%(name)s is one now. Until %(day)s it can be put back, below.")
                % {"name": _name(pair.kind, stays), "day": date_format(merging.undoable_until(made), "j F")},
            )
            return redirect(_list(pair.kind))
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
    moves = [merging.preview(pair.kind, row) for row in rows]
    weight = [sum(number for _name, number in found) for found in moves]
    stays_pk = request.POST.get("stays") or str(rows[weight[1] > weight[0]].pk)
    sides = [
        {
            "row": row, "name": _name(pair.kind, row), "more": _more(pair.kind, row), "moves": found,
            "stays": stays_pk == str(row.pk), "url": _admin_page(request, row),
        }
        for row, found in zip(rows, moves, strict=True)
    ]  # fmt: skip
    facts = _facts(pair.kind, rows, request.POST, stays_pk)
    context = {
        "pair": pair, "sides": sides, "back": _list(pair.kind),
        "differ": [fact for fact in facts if fact["differ"]], "same": [fact for fact in facts if not fact["differ"]],
    }  # fmt: skip
    return respond(request, "crm/duplicate.html", context, status=status)


def _list(kind: str) -> str:
    return f"{reverse('duplicates:list')}?kind={kind}"


def _admin_page(request: HttpRequest, row: Any) -> str:
    name = row._meta.model_name
    if request.user.has_perm("admin.enter") and request.user.has_perm(f"crm.view_{name}"):
        return reverse(f"admin:crm_{name}_change", args=[row.pk])
    return ""


def _facts(kind: str, rows: tuple[Any, Any], posted: Any, stays_pk: str) -> list[dict[str, Any]]:
    """The facts of both in words; what only one of them knows is taken from that one unless somebody says otherwise."""
    found = []
    for name in merging.FIELDS[kind]:
        field = rows[0]._meta.get_field(name)
        words = [_words(row, field) for row in rows]
        if not any(words):
            continue
        chosen = posted.get(f"fact_{name}") or next(
            (str(row.pk) for row, word, other in zip(rows, words, reversed(words), strict=True) if word and not other),
            stays_pk,
        )
        found.append(
            {
                "name": name, "label": field.verbose_name, "differ": words[0] != words[1],
                "follows": all(words),  # the side that stays, as long as nobody says otherwise
                "cells": [
                    {"pk": row.pk, "word": word, "chosen": chosen == str(row.pk)}
                    for row, word in zip(rows, words, strict=True)
                ],
            }
        )  # fmt: skip
    return found


def _words(row: Any, field: Any) -> str:
    value = getattr(row, field.name)
    if value is None or value == "" or value == []:
        return ""
    if isinstance(row, Account) and field.name == "annual_value":
        return str(money(value, row.currency))
    if isinstance(value, list):
        return ", ".join(value)
    if field.choices:
        return str(getattr(row, f"get_{field.name}_display")())
    if hasattr(value, "strftime"):
        return str(date_format(value, "j F Y"))
    return str(value)


@requires("crm.merge")
@require_POST
def different(request: HttpRequest, pk: int) -> HttpResponse:
    """These are two."""
    pair = get_object_or_404(Likeness, pk=pk)
    if duplicates.not_the_same(pair, by=request.user, at=timezone.now()):
        messages.success(request, _("Remembered: these are two, and are not proposed again."))
    else:
        messages.warning(request, _("Somebody has settled this pair meanwhile."))
    return redirect(_list(pair.kind))


@requires("crm.merge")
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a merge back."""
    made = get_object_or_404(Merge, pk=pk)
    try:
        merging.undo(made, by=request.user, at=timezone.now())
        messages.success(request, _("Put back: these are two again, and what moved has returned."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect(_list(made.kind))
