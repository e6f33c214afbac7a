from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from advocacy.users import views


class ExportMove(StringConverter):
    regex = "cancel|again"


register_converter(ExportMove, "export_move")

app_name = "people"
urlpatterns: list[URLPattern] = [
    path("", views.views, name="views"),
    path("save/", views.save, name="save_view"),
    path("<int:pk>/remove/", views.remove, name="remove_view"),
    path("exports/", views.exports, name="exports"),
    path("exports/<uuid:public_id>/", views.export, name="export"),
    path("exports/<uuid:public_id>/file/", views.export_file, name="export_file"),
    path("exports/<uuid:public_id>/<export_move:what>/", views.export_move, name="export_move"),
]
