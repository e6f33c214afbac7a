from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from community import views


class What(StringConverter):
    regex = "topic|reply"


class Move(StringConverter):
    regex = "keep|hide|show|lock|unlock|pin|unpin"


register_converter(What, "post")
register_converter(Move, "move")

app_name = "community"
urlpatterns: list[URLPattern] = [
    path("", views.spaces, name="spaces"),
    path("new/", views.new_topic, name="new_topic"),
    path("search/", views.search, name="search"),
    path("moderation/", views.moderation, name="moderation"),
    path("s/<slug:slug>/", views.space, name="space"),
    path("t/<uuid:topic_id>/", views.topic, name="topic"),
    path("t/<uuid:topic_id>/follow/", views.follow, name="follow"),
    path("read/", views.read_everything, name="read_everything"),
    path("t/<uuid:topic_id>/reply/", views.reply, name="reply"),
    path("<post:what>/<int:pk>/edit/", views.edit, name="edit"),
    path("<post:what>/<int:pk>/thanks/", views.thanks, name="thanks"),
    path("<post:what>/<int:pk>/flag/", views.flag, name="flag"),
    path("<post:what>/<int:pk>/<move:move>/", views.decide, name="decide"),
    path("reply/<int:pk>/accept/", views.accept, name="accept"),
]
