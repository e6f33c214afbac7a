"""Surveys in the admin: to be looked at. What is done with them is done on their pages.

Where names are not shown, neither invitations nor answers are listed here.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from advocates.admin import ReadOnly
from opportunities.models import Feedback, Survey, SurveyAnswer, SurveyInvite


@admin.register(Survey)
class SurveyAdmin(ReadOnly):
    list_display = ("title", "kind", "status", "team", "by_rule", "opened_at", "closes_at")
    list_filter = ("status", "kind", "team")
    list_select_related = ("team",)
    search_fields = ("title",)
    exclude = ("cursor", "counting")


@admin.register(SurveyInvite)
class SurveyInviteAdmin(ReadOnly):
    list_display = ("survey", "contact", "account", "slot", "asked_at", "answered_at", "finished_at")
    list_filter = ("survey__kind",)
    list_select_related = ("survey", "contact", "account")
    search_fields = ("survey__title", "contact__family_name", "contact__email")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(survey__shows_names=True)


@admin.register(SurveyAnswer)
class SurveyAnswerAdmin(ReadOnly):
    list_display = ("invite", "question", "number", "text", "at")
    list_filter = ("invite__survey__kind",)
    list_select_related = ("invite__survey", "invite__contact")
    search_fields = ("invite__survey__title", "text")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(invite__survey__shows_names=True)


@admin.register(Feedback)
class FeedbackAdmin(ReadOnly):
    list_display = ("answer", "survey", "team", "status", "by", "created_at", "settled_at")
    list_filter = ("status", "team")
    list_select_related = ("answer", "survey", "team", "by")
    search_fields = ("survey__title", "answer__text")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(survey__shows_names=True)
