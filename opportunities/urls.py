"""Addresses of the board and the desk, each declared beside its views."""

from django.urls import URLPattern

from opportunities.views.approvals import urlpatterns as approval_urls
from opportunities.views.board import urlpatterns as board_urls
from opportunities.views.campaigns import urlpatterns as campaign_urls
from opportunities.views.desk import urlpatterns as desk_urls
from opportunities.views.groups import urlpatterns as group_urls
from opportunities.views.proof import urlpatterns as proof_urls
from opportunities.views.prospects import urlpatterns as prospect_urls
from opportunities.views.requesting import urlpatterns as requesting_urls
from opportunities.views.sops import urlpatterns as sop_urls
from opportunities.views.stories import urlpatterns as story_urls
from opportunities.views.surveys import urlpatterns as survey_urls
from opportunities.views.urgent import urlpatterns as urgent_urls

app_name = "opportunities"
urlpatterns: list[URLPattern] = [
    *board_urls,
    *campaign_urls,
    *desk_urls,
    *group_urls,
    *approval_urls,
    *prospect_urls,
    *urgent_urls,
    *proof_urls,
    *requesting_urls,
    *sop_urls,
    *story_urls,
    *survey_urls,
]
