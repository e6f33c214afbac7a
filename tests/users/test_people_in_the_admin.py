"""Adding a colleague: who they are, their roles, and how they will get in."""

import pytest
from django.test import Client
from django.urls import reverse

from advocacy.users.models import Role, User
from tests.factories import make_user

pytestmark = pytest.mark.django_db
ADD = "admin:users_user_add"


@pytest.fixture
def ada(client: Client) -> Client:
    client.force_login(make_user("Ada", Role.ADMINISTRATOR))
    return client


def test_it_says_how_they_get_in_and_lets_the_zone_be_chosen(ada: Client) -> None:
    shown = ada.get(reverse(ADD)).content.decode()
    assert "Mail me a code instead" in shown and '<option value="Europe/Lisbon">' in shown
    new = {
        "email": "Lena@company.test", "name": "Lena Weiss", "title": "", "language": "en", "time_zone": "Europe/Lisbon",
        "is_active": "on", "roles": [Role.LEAD],
    }  # fmt: skip
    said = ada.post(reverse(ADD), new, follow=True).content.decode()
    assert "Tell Lena Weiss: sign in with a code, mailed to lena@company.test." in said
    lena = User.objects.get(email="lena@company.test")
    assert (lena.role_set, lena.time_zone) == ({Role.LEAD}, "Europe/Lisbon")
    assert ada.post(reverse(ADD), {**new, "email": "o@x.test", "time_zone": "Mars"}).status_code == 200
    assert not User.objects.filter(email="o@x.test").exists()


def test_the_list_begins_with_name_and_roles(ada: Client) -> None:
    make_user("Rita Morgan", Role.MANAGER, email="rita@company.test")
    shown = ada.get(reverse("admin:users_user_changelist")).content.decode()
    assert "Rita Morgan<br><small>rita@company.test</small>" in shown
    assert shown.index("Rita Morgan<br>") < shown.index("Reference manager</td>")
