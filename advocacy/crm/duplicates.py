"""What looks like one and is there twice (P28): one statement finds accounts and contacts that look alike.

Accounts by their domain or by their name but for spelling and legal form; contacts by their address, by name and the
part of the address before the @, or by name at one account (accounts that look alike count as one). What somebody has
settled stays settled; what no longer looks alike is not proposed any more.
"""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from advocacy.crm.models import Account, Contact, Likeness, Twins

LEGAL_FORMS = (
    "gmbh", "mbh", "ag", "se", "kg", "kgaa", "ohg", "inc", "incorporated", "ltd", "limited", "llc", "llp", "plc",
    "corp", "corporation", "company", "co", "sa", "sarl", "sas", "srl", "spa", "bv", "nv", "ab", "oy", "as", "aps",
    "pty", "group", "holding", "the",
)  # fmt: skip
PUBLIC_MAIL = (
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "yahoo.com",
    "icloud.com",
    "gmx.de",
    "web.de",
)
CROWD = 10
"""What more than these share (a mailbox, a word as a name) says nothing about any two of them."""

MODELS: dict[str, Any] = {Twins.ACCOUNT: Account, Twins.CONTACT: Contact}

_FIND = """
WITH accounts AS (
    SELECT id,
           regexp_replace(regexp_replace(lower(btrim(domain)), '^https?://', ''), '^www[.]|/.*$', '', 'g') AS domain,
           -- A name that is nothing but a legal form keeps it.
           coalesce(
               nullif(regexp_replace(regexp_replace(replace(lower(name), '.', ''), %(forms)s, '', 'g'),
                                     '[^[:alnum:]]+', '', 'g'), ''),
               lower(name)) AS name
    FROM crm_account WHERE merged_into_id IS NULL
), account_keys AS (
    SELECT 'domain' AS why, 1 AS rank, domain AS key, id, count(*) OVER (PARTITION BY domain) AS crowd
    FROM accounts WHERE domain <> '' AND NOT domain = ANY(%(public)s)
    UNION ALL
    SELECT 'name', 2, name, id, count(*) OVER (PARTITION BY name) FROM accounts WHERE name <> ''
), account_pairs AS (
    SELECT DISTINCT ON (a.id, b.id) 'account' AS kind, a.id AS first, b.id AS second, a.why
    FROM account_keys a JOIN account_keys b ON b.why = a.why AND b.key = a.key AND b.id > a.id
    WHERE a.crowd BETWEEN 2 AND %(crowd)s AND b.crowd BETWEEN 2 AND %(crowd)s
    ORDER BY a.id, b.id, a.rank
), one AS (
    SELECT p.second AS id, min(p.first) AS account_id FROM account_pairs p
    WHERE NOT EXISTS (SELECT 1 FROM crm_likeness l WHERE l.kind = 'account' AND l.first = p.first
                      AND l.second = p.second AND l.settled = 'different')
    GROUP BY p.second
), people AS (
    SELECT c.id, lower(btrim(c.email)) AS email, coalesce(one.account_id, c.account_id) AS account_id,
           CASE WHEN btrim(c.given_name) <> '' AND btrim(c.family_name) <> ''
                THEN lower(btrim(c.given_name)) || ' ' || lower(btrim(c.family_name)) ELSE '' END AS name
    FROM crm_contact c LEFT JOIN one ON one.id = c.account_id
    WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL
), person_keys AS (
    SELECT 'email' AS why, 1 AS rank, email AS key, id, count(*) OVER (PARTITION BY email) AS crowd
    FROM people WHERE email <> ''
    UNION ALL
    SELECT 'person', 2, split_part(email, '@', 1) || ' ' || name, id,
           count(*) OVER (PARTITION BY split_part(email, '@', 1), name)
    FROM people WHERE email <> '' AND name <> ''
    UNION ALL
    SELECT 'colleague', 3, account_id || ' ' || name, id, count(*) OVER (PARTITION BY account_id, name)
    FROM people WHERE name <> ''
), found AS (
    SELECT kind, first, second, why FROM account_pairs
    UNION ALL (
        SELECT DISTINCT ON (a.id, b.id) 'contact', a.id, b.id, a.why
        FROM person_keys a JOIN person_keys b ON b.why = a.why AND b.key = a.key AND b.id > a.id
        WHERE a.crowd BETWEEN 2 AND %(crowd)s AND b.crowd BETWEEN 2 AND %(crowd)s
        ORDER BY a.id, b.id, a.rank
    )
), no_longer AS (
    DELETE FROM crm_likeness l WHERE l.settled = '' AND NOT EXISTS (
        SELECT 1 FROM found f WHERE f.kind = l.kind AND f.first = l.first AND f.second = l.second
    )
)
INSERT INTO crm_likeness (kind, first, second, why, found_at, settled)
SELECT kind, first, second, why, %(at)s, '' FROM found
ON CONFLICT (kind, first, second) DO NOTHING
"""


@transaction.atomic
def look(*, at: datetime) -> int:
    """Look through all accounts and contacts once; returns how many new pairs are proposed. Safe to run twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            _FIND,
            {
                "at": at,
                "crowd": CROWD,
                "public": list(PUBLIC_MAIL),
                "forms": rf"\m({'|'.join(LEGAL_FORMS)})\M",
            },
        )
        return int(cursor.rowcount)


@transaction.atomic
def not_the_same(likeness: Likeness, *, by: Any, at: datetime) -> bool:
    """Somebody knows that these are two: they are not proposed again. False when it was settled before."""
    return bool(
        Likeness.objects.filter(pk=likeness.pk, settled="").update(
            settled=Likeness.Settled.DIFFERENT, settled_at=at, by=by
        )
    )


def both(likeness: Likeness) -> tuple[Any, Any] | None:
    """The two rows, the older first; None when one of them is gone meanwhile."""
    found = MODELS[likeness.kind].objects.in_bulk([likeness.first, likeness.second])
    return (found[likeness.first], found[likeness.second]) if len(found) == 2 else None
