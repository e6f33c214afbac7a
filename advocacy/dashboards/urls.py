from django.urls import path

from advocacy.dashboards import views

app_name = "dashboards"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("<slug:key>/", views.measure, name="measure"),
    path("<slug:key>/rows.csv", views.export, name="export"),
]
