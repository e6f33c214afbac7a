from django.urls import URLPattern, path, re_path

from newsletter.views import calendar, results
from newsletter.views import editions as views

app_name = "newsletter"
urlpatterns: list[URLPattern] = [
    path("", views.archive, name="archive"),
    path("edit/", views.editions, name="editions"),
    path("edit/readers/", views.readers, name="readers"),
    path("edit/<uuid:edition_id>/", views.edit, name="edit"),
    path("edit/<uuid:edition_id>/results/", results.results, name="results"),
    path("edit/<uuid:edition_id>/results/<int:item_id>/", results.withdraw, name="withdraw"),
    path("edit/<uuid:edition_id>/preview/", views.preview, name="preview"),
    path("edit/<uuid:edition_id>/item/", views.item, name="new_item"),
    path("edit/<uuid:edition_id>/item/<int:item_id>/", views.item, name="item"),
    path("edit/<uuid:edition_id>/item/<int:item_id>/place/", views.place, name="place"),
    path("edit/<uuid:edition_id>/item/<int:item_id>/<slug:what>/", views.arrange, name="arrange"),
    path("edit/<uuid:edition_id>/do/<slug:what>/", views.decide, name="decide"),
    re_path(r"^read/(?P<token>[^/]+)/$", views.read, name="read"),
    path("calendar/", calendar.calendar, name="calendar"),
    path("calendar/new/", calendar.new, name="new_entry"),
    path("calendar/note/", calendar.note, name="note_idea"),
    path("calendar/undo/", calendar.undo, name="undo_move"),
    path("calendar/move/<slug:source>/<slug:key>/", calendar.move, name="move_entry"),
    path("calendar/<uuid:entry_id>/", calendar.entry, name="entry"),
    path("calendar/<uuid:entry_id>/do/<slug:what>/", calendar.decide, name="decide_entry"),
    path("<uuid:edition_id>/", views.edition, name="edition"),
]
