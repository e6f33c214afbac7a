"""Pages of the community: spaces, a space, a topic, a new topic, search, moderation."""

import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import Count, Exists, F, OuterRef, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key, token
from advocacy.lib.searching import by_words
from advocacy.lib.text import markdown
from advocacy.users.rights import requires
from community import actions, norms
from community.forms import EditForm, ReasonForm, ReplyForm, TopicForm
from community.models import Flag, Norms, Reaction, ReadMark, Reply, Space, Topic

REPLIES_A_PAGE = 30
TOPICS_A_PAGE = 20
LAST = token(type("Edge", (), {"pk": 2**62})(), ["pk"])


def with_news(topics: Any, user: Any) -> Any:
    """Topics with their author and space, and whether this reader has something new in them."""
    return topics.with_last_voice().annotate(is_unread=Exists(Topic.objects.unread_by(user).filter(pk=OuterRef("pk"))))


@requires("community.read")
def spaces(request: HttpRequest) -> HttpResponse:
    """All spaces with what is new in each, and the latest topics across them."""
    unread = dict(
        Topic.objects.visible_to(request.user).unread_by(request.user).values_list("space").annotate(n=Count("pk"))
    )
    everywhere = list(Space.objects.visible_to(request.user).select_related("host"))
    for space in everywhere:
        space.unread = unread.get(space.pk, 0)  # type: ignore[attr-defined]
    house = Norms.objects.first()
    latest = with_news(Topic.objects.visible_to(request.user).shown(), request.user).order_by("-last_at", "-id")[:8]
    return respond(
        request,
        "community/spaces.html",
        {
            "spaces": everywhere,
            "latest": latest,
            "unread": sum(unread.values()),
            "norms": markdown(house.text) if house else "",
        },
    )


@requires("community.read")
def space(request: HttpRequest, slug: str) -> HttpResponse:
    """One space: its charter and its topics, newest first, paged by key."""
    here = get_object_or_404(Space.objects.visible_to(request.user).select_related("host"), slug=slug)
    topics = with_news(Topic.objects.visible_to(request.user).filter(space=here), request.user)
    kind = request.GET.get("type", "")
    if kind in Topic.Type.values:
        topics = topics.filter(type=kind)
    if request.GET.get("show") == "unread":
        topics = topics.filter(is_unread=True)
    if request.GET.get("show") == "unanswered":
        topics = topics.filter(number_of_replies=0)
    page = page_by_key(topics, ["-last_at", "-id"], request.GET, size=TOPICS_A_PAGE)
    first_page = not (request.GET.get("after") or request.GET.get("before"))
    pinned = list(topics.filter(pinned=True).order_by("-last_at")[:3]) if first_page else []
    context = {"space": here, "page": page, "pinned": pinned, "types": Topic.Type.choices}
    return respond(request, "community/space.html", context)


@requires("community.read")
def topic(request: HttpRequest, topic_id: uuid.UUID) -> HttpResponse:
    """One topic with its replies, paged by key; ``?go=new`` opens at the first unread, ``?go=last`` at the end."""
    here = _topic(request, topic_id)
    return _topic_page(request, here, ReplyForm(draft=f"reply-{here.public_id}"))


def _topic(request: HttpRequest, topic_id: uuid.UUID) -> Topic:
    topics = Topic.objects.visible_to(request.user).select_related("author", "space", "accepted__author", "hidden_by")
    return get_object_or_404(topics, public_id=topic_id)


def _topic_page(
    request: HttpRequest, here: Topic, form: ReplyForm, *, preview: str = "", status: int = 200
) -> HttpResponse:
    mark = ReadMark.objects.filter(user=request.user.pk, topic=here).first()
    query = dict(request.GET.items())
    if query.get("go") == "last" or status != 200 or preview:
        query = {"before": LAST}
    elif query.get("go") == "new" and mark and mark.last_reply:
        query = {"after": token(Reply(pk=mark.last_reply), ["pk"])}
    replies = Reply.objects.visible_to(request.user).filter(topic=here).select_related("author", "hidden_by")
    replies = replies.annotate(
        thanks=Count("reactions"), mine=Exists(Reaction.objects.filter(reply=OuterRef("pk"), user=request.user.pk))
    )
    page = page_by_key(replies, ["pk"], query, size=REPLIES_A_PAGE)
    if not page.items and query:
        query = {"before": LAST}
        page = page_by_key(replies, ["pk"], query, size=REPLIES_A_PAGE)
    if query == {"before": LAST}:
        page = replace(page, next="")  # the end: nothing comes after it
    for answer in page.items:
        answer.is_accepted = answer.pk == here.accepted_id
        answer.is_fresh = bool(mark) and answer.pk > mark.last_reply and answer.author_id != request.user.pk  # type: ignore[union-attr]
    first, last = (page.items[0].pk, page.items[-1].pk) if page.items else (0, 0)
    if mark is None or mark.last_reply < last:
        actions.read_page(request.user, here, first=first, last=last, at=timezone.now())
    thanks = here.reactions.aggregate(n=Count("pk"), mine=Count("pk", filter=Q(user=request.user.pk)))
    context = {
        "topic": here,
        "page": page,
        "form": form,
        "preview": preview,
        "follows": bool(mark and mark.follows),
        "thanks": thanks["n"],
        "thanked": bool(thanks["mine"]),
        "may_accept": here.type == Topic.Type.QUESTION
        and (here.author_id == request.user.pk or request.user.has_perm("community.moderate")),
        "may_moderate": request.user.has_perm("community.moderate"),
        "editable_since": timezone.now() - norms.EDIT_WITHIN,
        "draft_done": request.session.pop("draft_done", ""),
        "first_page": not page.previous,
    }
    return respond(request, "community/topic.html", context, status=status)


@requires("community.post")
def new_topic(request: HttpRequest) -> HttpResponse:
    """Start a topic, with a preview that needs no script."""
    preview, status = "", 200
    if request.method == "POST":
        form = TopicForm(request.POST, user=request.user)
        if "preview" in request.POST:
            preview = markdown(request.POST.get("body", "")[:20_000])
            form.is_valid()
        elif form.is_valid():
            try:
                made = actions.start_topic(request.user, **form.cleaned_data, at=timezone.now())
            except Refused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                request.session["draft_done"] = "topic-title topic-body"
                messages.success(request, _("Your topic is there. You are told when somebody replies."))
                return redirect("community:topic", made.public_id)
        else:
            status = 422
    else:
        chosen = Space.objects.visible_to(request.user).filter(slug=request.GET.get("space", "")).first()
        kind = request.GET.get("type", Topic.Type.DISCUSSION)
        title = plain(request.GET.get("title"))[:150]
        form = TopicForm(user=request.user, initial={"space": chosen, "type": kind, "title": title})
    return respond(request, "community/new_topic.html", {"form": form, "preview": preview}, status=status)


@requires("community.post")
@require_POST
def reply(request: HttpRequest, topic_id: uuid.UUID) -> HttpResponse:
    here = _topic(request, topic_id)
    draft = f"reply-{here.public_id}"
    form = ReplyForm(request.POST, draft=draft)
    if "preview" in request.POST:
        form.is_valid()
        return _topic_page(request, here, form, preview=markdown(request.POST.get("body", "")[:20_000]))
    if not form.is_valid():
        return _topic_page(request, here, form, status=422)
    try:
        answer = actions.reply(request.user, here, **form.cleaned_data, at=timezone.now())
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _topic_page(request, here, form, status=409)
    request.session["draft_done"] = draft
    return HttpResponseRedirect(f"{reverse('community:topic', args=[here.public_id])}?go=last#reply-{answer.pk}")


def _post(request: HttpRequest, what: str, pk: int) -> Topic | Reply:
    model: Any = Topic if what == "topic" else Reply
    return get_object_or_404(model.objects.visible_to(request.user).select_related("author"), pk=pk)


def _home_of(post: Topic | Reply) -> str:
    if isinstance(post, Topic):
        return reverse("community:topic", args=[post.public_id])
    here = token(Reply(pk=post.pk - 1), ["pk"])
    return f"{reverse('community:topic', args=[post.topic.public_id])}?after={here}#reply-{post.pk}"


@requires("community.post")
def edit(request: HttpRequest, what: str, pk: int) -> HttpResponse:
    post = _post(request, what, pk)
    is_topic = isinstance(post, Topic)
    status = 200
    initial = {"body": post.body, "title": getattr(post, "title", "")}
    form = EditForm(request.POST or None, with_title=is_topic, initial=initial)
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                actions.edit(post, by=request.user, at=timezone.now(), **form.cleaned_data)
            except Refused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, _("Your words are changed; the earlier ones stay in the history."))
                return redirect(_home_of(post))
    return respond(request, "community/edit.html", {"form": form, "back": _home_of(post)}, status=status)


@requires("community.post")
@require_POST
def thanks(request: HttpRequest, what: str, pk: int) -> HttpResponse:
    post = _post(request, what, pk)
    try:
        actions.toggle_thanks(request.user, post)
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect(_home_of(post))


@requires("community.read")
@require_POST
def follow(request: HttpRequest, topic_id: uuid.UUID) -> HttpResponse:
    here = _topic(request, topic_id)
    actions.follow(request.user, here, follows=request.POST.get("follows") == "yes", at=timezone.now())
    return redirect("community:topic", here.public_id)


@requires("community.read")
@require_POST
def read_everything(request: HttpRequest) -> HttpResponse:
    actions.read_everything(request.user, at=timezone.now())
    return redirect("community:spaces")


@requires("community.post")
@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    post = _post(request, "reply", pk)
    assert isinstance(post, Reply)
    chosen = None if post.topic.accepted_id == post.pk else post
    try:
        actions.accept(post.topic, chosen, by=request.user, at=timezone.now())
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect(_home_of(post))


@requires("community.post")
def flag(request: HttpRequest, what: str, pk: int) -> HttpResponse:
    post = _post(request, what, pk)
    form = ReasonForm(request.POST or None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            actions.flag(post, by=request.user, reason=form.cleaned_data["reason"], at=timezone.now())
            messages.success(request, _("Thank you. A moderator will look at it."))
            return redirect(_home_of(post))
        status = 422
    return respond(request, "community/flag.html", {"form": form, "post": post, "back": _home_of(post)}, status=status)


@requires("community.read")
def search(request: HttpRequest) -> HttpResponse:
    """Topics and replies by words, in whatever form, or by who wrote them; best first."""
    words = plain(request.GET.get("q"))[:200]
    topics: list[Any] = []
    replies: list[Any] = []
    if words:
        query = SearchQuery(words, config="simple", search_type="websearch")
        if forms := by_words(words):
            query = forms | query
        sought = Q(search=query) | Q(*[Q(author__name__icontains=word) for word in words.split()[:6]])
        found = Topic.objects.visible_to(request.user).shown().filter(sought)
        ranked = with_news(found, request.user).annotate(rank=SearchRank(F("search"), query))
        topics = list(ranked.order_by("-rank", "-last_at")[:20])
        answers = Reply.objects.visible_to(request.user).shown().filter(sought, topic__hidden_at__isnull=True)
        answers = answers.select_related("author", "topic__space").annotate(rank=SearchRank(F("search"), query))
        replies = list(answers.order_by("-rank", "-id")[:20])
    context = {
        "words": words,
        "ask": f"{reverse('community:new_topic')}?{urlencode({'type': 'question', 'title': words[:150]})}",
        "topics": topics,
        "replies": [(answer, _home_of(answer)) for answer in replies],
    }
    return respond(request, "community/search.html", context)


# --- Moderation -------------------------------------------------------------------------------------------------------
@requires("community.moderate")
def moderation(request: HttpRequest) -> HttpResponse:
    """What members have flagged, oldest first, and what was decided lately."""
    show = request.GET.get("show", "open")
    flags = Flag.objects.select_related(
        "by", "decided_by", "topic__author", "topic__space", "reply__author", "reply__topic__space"
    )
    if show == "decided":
        page = page_by_key(flags.exclude(decision=Flag.Decision.OPEN), ["-at", "-id"], request.GET, size=20)
    else:
        page = page_by_key(flags.filter(decision=Flag.Decision.OPEN), ["at", "id"], request.GET, size=20)
    flagged = [(one, one.topic or one.reply) for one in page.items]
    items = [(one, post, _home_of(post)) for one, post in flagged if post is not None]
    return respond(request, "community/moderation.html", {"page": page, "items": items, "show": show})


@requires("community.moderate")
@require_POST
def decide(request: HttpRequest, what: str, pk: int, move: str) -> HttpResponse:
    """A moderator's move on a post: keep, hide, show, lock, unlock, pin, unpin."""
    post = _post(request, what, pk)
    now = timezone.now()
    try:
        if move == "keep":
            actions.keep(post, by=request.user, at=now)
        elif move == "hide":
            actions.hide(post, by=request.user, reason=request.POST.get("reason", "")[:300], at=now)
            messages.success(request, _("Hidden. The author sees your reason, and you can show it again."))
        elif move == "show":
            actions.show_again(post, by=request.user, at=now)
        elif isinstance(post, Topic) and move in {"lock", "unlock"}:
            actions.set_locked(post, move == "lock", by=request.user, at=now)
        elif isinstance(post, Topic) and move in {"pin", "unpin"}:
            actions.set_pinned(post, move == "pin", by=request.user, at=now)
    except Refused as refusal:
        messages.warning(request, str(refusal))
    if request.POST.get("back") == "moderation":
        return redirect("community:moderation")
    return redirect(_home_of(post))
