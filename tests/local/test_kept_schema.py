"""The schema that is kept between runs of the tests is what the migrations make, or it is not used."""

import shutil
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.kept_schema import ROOT, fingerprint


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("requirements.lock", "advocacy/settings.py", "community/migrations", "advocacy/lib/migrations"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place)
    return tmp_path


def test_any_change_of_a_migration_or_a_package_makes_another_one(copy: Path) -> None:
    seen = {fingerprint(copy)}
    (copy / "community/migrations/0099_new.py").write_text("")
    seen.add(fingerprint(copy))
    path = next((copy / "advocacy/lib/migrations").glob("0001*.py"))
    path.write_text(path.read_text() + "\n")
    seen.add(fingerprint(copy))
    (copy / "requirements.lock").write_text("other==1\n")
    seen.add(fingerprint(copy))
    assert len(seen) == 4
    assert fingerprint(copy) in seen


@pytest.mark.django_db
def test_nothing_is_left_to_migrate() -> None:
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
