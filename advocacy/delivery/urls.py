from django.urls import URLPattern, path

from advocacy.delivery import counted, views, webhooks

app_name = "delivery"
urlpatterns: list[URLPattern] = [
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
    path("c/<str:token>/", counted.click, name="click"),
    path("o/<str:token>/", counted.opened, name="opened"),
    path("outbox/", views.outbox, name="outbox"),
    path("outbox/run/", views.go_on, name="go_on"),
    path("outbox/settle/", views.settle_many, name="settle_many"),
    path("outbox/<uuid:message_id>/", views.message, name="message"),
    path("outbox/<uuid:message_id>/preview/", views.preview, name="preview"),
    path("outbox/<uuid:message_id>/<slug:what>/", views.settle, name="settle"),
    path("outbox/templates/", views.templates, name="templates"),
    path("outbox/templates/preview/", views.template, name="template"),
    *webhooks.urls(),
    path("choices/", views.choices, name="choices"),
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/read/", views.read_all, name="read_all"),
    path("notifications/<int:notification_id>/", views.follow, name="follow"),
]
