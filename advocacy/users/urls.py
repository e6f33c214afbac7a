from django.urls import URLPattern, path

from advocacy.users import views

app_name = "people"
urlpatterns: list[URLPattern] = [
    path("", views.views, name="views"),
    path("save/", views.save, name="save_view"),
    path("<int:pk>/remove/", views.remove, name="remove_view"),
]
