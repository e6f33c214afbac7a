"""The history of what an import changes, written by whole sets.

For one row the history triggers are right; for a hundred thousand they open two subtransactions each, which is most of
the load's time. Here they stand back for the one statement, and the same rows are written after it, with whose import
it was.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from django.db import models

LABELS = {"created": "insert", "updated": "update"}


@contextmanager
def told_by_set(cursor: Any, model: type[models.Model], match: str, params: Mapping[str, Any]) -> Iterator[None]:
    """Around the statements that write ``import_ready`` into a model's table.

    ``match`` joins a written row ``t`` with what was to be written, ``r``. Without a tracked model nothing is done.
    """
    event = getattr(model, "pgh_event_model", None)
    if event is None:
        yield
        return
    table = model._meta.db_table
    names = [trigger.get_pgid(model) for trigger in model._meta.triggers]  # type: ignore[attr-defined]
    cursor.execute("SET LOCAL pgtrigger.ignore = '{" + ",".join(names) + "}'")
    yield
    cursor.execute("SET LOCAL pgtrigger.ignore = '{}'")
    context = str(uuid4())
    kept = [field.column for field in event._meta.concrete_fields if not field.column.startswith("pgh_")]
    columns = ", ".join(f'"{column}"' for column in kept)
    picked = ", ".join(f't."{column}"' for column in kept)
    said = json.dumps({"import_run": params.get("run"), "user": params.get("by")})
    cursor.execute(
        "INSERT INTO pghistory_context (id, metadata, created_at, updated_at) SELECT %s, %s, now(), now()"
        " WHERE EXISTS (SELECT 1 FROM import_ready WHERE action <> 'unchanged')",
        [context, said],
    )
    for action, label in LABELS.items():
        cursor.execute(
            f"INSERT INTO {event._meta.db_table} (pgh_created_at, pgh_label, pgh_obj_id, pgh_context_id, {columns})"
            f" SELECT now(), '{label}', t.id, %(context)s, {picked} FROM import_ready r JOIN {table} t ON {match}"
            f" WHERE r.action = '{action}' ORDER BY r.line",
            {**params, "context": context},
        )
