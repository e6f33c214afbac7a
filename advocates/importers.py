"""Advocates by CSV: who is in the program already, what they told us, and the consents they gave elsewhere.

Each row speaks of a contact that is known. What advocates said about themselves in the portal is not overwritten, a
status moves only along its moves, and a consent comes with its wording and its day into the ledger, once.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.importing import values as cell
from advocacy.crm.importing.history import told_by_set
from advocacy.crm.importing.kinds import (
    Check,
    Field,
    Kind,
    OwnWord,
    Reference,
    contact_join,
    literal,
    register,
    register_own_word,
    sentence,
    unknown_contact,
)
from advocacy.crm.importing.mapping import Plan
from advocates import kinds
from advocates.actions.joining import TOLD_AS
from advocates.models import Advocate

_l = gettext_lazy

TOLD = (
    "type", "thanks", "expertise", "interests", "wants", "never", "goals", "about", "valuable", "years_of_experience",
    "prefers_private", "ruled_out", "asks_a_quarter",
)  # fmt: skip
"""What advocates say about themselves: a file does not overwrite what they have told."""


def kinds_kept() -> dict[str, str]:
    """The kinds of things to take part in, by slug or by name, as asks look them up."""
    return cell.choices(kinds.choices())


PURPOSES = cell.choices(Purpose.choices, mail="program_mail", references="reference_calls", logo="name_and_logo")


def on_record(at: str, wording: str) -> str:
    """SQL for whether the entry ``e`` is what a row says; one dated ahead stands there with the day it came in."""
    ahead = f"e.at = e.recorded_at AND {at} > e.at AND {at} <= e.at + interval '1 day' AND e.wording = {wording}"
    return f"(e.at = {at} OR ({ahead} AND e.source LIKE 'import:%%'))"


class Advocates(Kind):
    slug = "advocates"
    title = _l("Advocates")
    model = Advocate
    order = 7
    fields = (
        Field(
            "contact", _l("contact"), Reference(to="contact", through=("id", "email")), required=True,
            synonyms=("contact_id", "id", "contactid", "person_id", "advocate_id"),
        ),
        Field(
            "status", _l("status"),
            cell.Choice(choices=cell.choices(
                Advocate.Status.choices, active="member", joined="member", inactive="left",
            )),
            synonyms=("advocate_status", "program_status"), keep=True, help=_l("A member unless given."),
        ),
        Field("joined_at", _l("joined"), cell.Instant(), synonyms=("joined", "member_since", "joined_on"), keep=True),
        Field("left_at", _l("left"), cell.Instant(), synonyms=("left", "left_on"), keep=True),
        Field("pod", _l("pod"), cell.Text(longest=80), synonyms=("pod_name",)),
        Field(
            "type", _l("type"), cell.Choice(choices=cell.choices(Advocate.Type.choices)), synonyms=("advocate_type",),
        ),
        Field(
            "thanks", _l("likes to be thanked with"),
            cell.Choice(choices=cell.choices(Advocate.Thanks.choices, swag="gift", gift_card="gift")),
            synonyms=("reward", "rewards"),
        ),
        Field("expertise", _l("expertise"), cell.Words(), synonyms=("topics", "skills")),
        Field("interests", _l("interests and hobbies"), cell.Words(), synonyms=("hobbies",)),
        Field(
            "wants", _l("wants to do (kinds)"), cell.Words(choices=kinds_kept), synonyms=("activities", "wants_to_do"),
        ),
        Field("never", _l("never asks of (kinds)"), cell.Words(choices=kinds_kept), synonyms=("does_not_want",)),
        Field("goals", _l("career goals"), cell.Text(longest=5_000), synonyms=("career_goals",)),
        Field("about", _l("about"), cell.Text(longest=5_000), synonyms=("bio", "notes")),
        Field("valuable", _l("what is valuable to them"), cell.Text(longest=5_000)),
        Field("years_of_experience", _l("years of experience"), cell.Whole(most=80), synonyms=("experience",)),
        Field("prefers_private", _l("prefers to stay private"), cell.YesNo(), synonyms=("private",)),
        Field("ruled_out", _l("companies ruled out"), cell.Words()),
        Field("asks_a_quarter", _l("asks a quarter, their own limit"), cell.Whole(most=100), synonyms=("ask_limit",)),
        Field("consents", _l("consents"), cell.Words(choices=PURPOSES), synonyms=("consent", "consented_to")),
        Field(
            "no_consents", _l("consents refused or withdrawn"), cell.Words(choices=PURPOSES), synonyms=("withdrawn",),
        ),
        Field("consented_at", _l("day of the consents"), cell.Instant(), synonyms=("consent_date", "consented_on")),
        Field("consent_wording", _l("wording of the consents"), cell.Text(longest=5_000), synonyms=("wording",)),
    )  # fmt: skip

    def key(self, plan: Plan) -> str:
        return "lower(s.contact)" if plan.reference("contact")[1] == "email" else "s.contact"

    def joins(self, plan: Plan) -> list[str]:
        pods = ["LEFT JOIN advocates_pod pod ON lower(pod.name) = lower(s.pod)"] if "pod" in plan.given else []
        return contact_join(plan) + pods

    def existing(self) -> str:
        return "LEFT JOIN advocates_advocate t ON t.contact_id = c.id"

    def known_fingerprint(self) -> str:
        return "NULL::text"

    def fingerprint(self, plan: Plan) -> str:
        return "''"

    def values(self, plan: Plan) -> dict[str, str]:
        status = "coalesce(s.status, t.status, 'member')"
        has_joined = f"{status} IN ('member', 'left', 'alumnus')"
        # Who is only invited has not joined, whatever the file says about the day.
        joined = (
            f"CASE WHEN {has_joined} THEN coalesce(s.joined_at, t.joined_at, %(at)s::timestamptz) ELSE t.joined_at END"
        )
        gone = f"CASE WHEN {status} IN ('left', 'alumnus') THEN coalesce(s.left_at, t.left_at, %(at)s::timestamptz) END"
        member = int(Advocate.Stage.MEMBER)
        found = {
            "contact_id": "c.id",
            "status": status,
            "joined_at": joined,
            "left_at": gone,
            "stage": f"greatest(coalesce(t.stage, 0), CASE WHEN {has_joined} THEN {member} ELSE 0 END)::smallint",
            "stage_since": f"coalesce(t.stage_since, CASE WHEN {has_joined} THEN {joined} END)",
        }
        if "pod" in plan.given:
            found["pod_id"] = "coalesce(pod.id, t.pod_id)"
        for name in TOLD:
            column = self.column(name)
            if name in plan.given and column is not None:
                default = self.default(column)
                said = f"coalesce(s.{name}, t.{name}{f', {default}' if default else ''})"
                found[name] = f"CASE WHEN t.told ? '{TOLD_AS.get(name, name)}' THEN t.{name} ELSE {said} END"
        return found

    def checks(self, plan: Plan) -> list[Check]:
        moves = ", ".join(
            f"('{before}', '{after}')" for before, targets in Advocate.MOVES.items() for after in sorted(targets)
        )
        cannot = sentence(
            _("They are “{before}” here, which cannot become “{after}”."), before="t.status", after="s.status"
        )
        gone = sentence(
            _("They are “{before}” here and no file brings them back: leave the status out, or invite them anew."),
            before="t.status",
        )
        unsaid = literal(_("A consent needs its day and the wording that was agreed to."))
        future = literal(_("The day of the consents lies in the future."))
        both = literal(_("The same consent stands as given and as refused."))
        some = "(s.consents IS NOT NULL OR s.no_consents IS NOT NULL)"
        return [
            unknown_contact(plan),
            Check("c.erased_at IS NOT NULL", literal(_("This person was erased and does not come back by import."))),
            Check(f"s.status <> t.status AND (t.status, s.status) NOT IN ({moves})", cannot),
            Check("s.status <> t.status AND t.status IN ('left', 'declined')", gone),
            Check(f"{some} AND (s.consented_at IS NULL OR s.consent_wording IS NULL)", unsaid),
            Check(f"{some} AND s.consented_at > %(at)s::timestamptz + interval '1 day'", future),
            Check("s.consents && s.no_consents", both),
        ]

    def warnings(self, plan: Plan) -> list[Check]:
        if "pod" not in plan.given:
            return []
        said = sentence(_("There is no pod “{name}”; the advocate stays where they are."), name="s.pod")
        return [Check("s.pod IS NOT NULL AND pod.id IS NULL", said)]

    def changed(self, plan: Plan) -> str:
        fields = super().changed(plan)
        news = []
        there = on_record("s.consented_at", "s.consent_wording")
        for name, given in (("consents", "true"), ("no_consents", "false")):
            if name in plan.given and "consented_at" in plan.given:
                news.append(
                    f"CASE WHEN EXISTS (SELECT 1 FROM unnest(s.{name}) AS p WHERE NOT EXISTS (SELECT 1 FROM"
                    f" crm_consententry e WHERE e.contact_id = c.id AND e.purpose = p AND e.given = {given}"
                    f" AND {there})) THEN {literal(str(self.field(name).label))} END"
                )
        return f"array_remove({fields} || ARRAY[{', '.join(news)}]::text[], NULL)" if news else fields

    def write(self, cursor: Any, plan: Plan, params: Mapping[str, Any]) -> None:
        given = list(self.values(plan))
        others = self.defaults(beside=given)
        # Advocates first, by id, then their contacts: the order in which everybody locks them.
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM advocates_advocate WHERE id IN (SELECT old_id FROM import_ready"
            " WHERE action = 'updated') ORDER BY id FOR UPDATE) locked"
        )
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM crm_contact WHERE id IN (SELECT v_contact_id FROM import_ready"
            " WHERE action <> 'unchanged') ORDER BY id FOR UPDATE) locked"
        )
        columns = ["id", *given, *others]
        picked = ["r.id", *(f"r.v_{column}" for column in given), *others.values()]
        changes = ", ".join(f"{column} = r.v_{column}" for column in given)
        with told_by_set(cursor, self.model, "t.id = r.id", params):
            cursor.execute(
                f"INSERT INTO advocates_advocate ({', '.join(columns)}) SELECT {', '.join(picked)} FROM import_ready r"
                " WHERE r.action = 'created' ORDER BY r.line",
                params,
            )
            cursor.execute(
                f"UPDATE advocates_advocate t SET {changes} FROM import_ready r"
                " WHERE r.action = 'updated' AND t.id = r.id"
            )
        cursor.execute(
            "INSERT INTO crm_activity (contact_id, account_id, deed, at, recorded_at, source_type, source_id)"
            " SELECT r.v_contact_id, c.account_id, %(joined)s, r.v_joined_at, %(at)s, 'advocates.advocate', r.id::text"
            " FROM import_ready r JOIN crm_contact c ON c.id = r.v_contact_id"
            " WHERE r.action <> 'unchanged' AND r.v_status IN ('member', 'left', 'alumnus') ON CONFLICT DO NOTHING",
            {**params, "joined": Deed.JOINED},
        )
        if {"consented_at", "consent_wording"} <= plan.given:
            for name, yes in (("consents", True), ("no_consents", False)):
                if name in plan.given:
                    self._put_on_record(cursor, f"s_{name}", {**params, "given": yes})

    def _put_on_record(self, cursor: Any, column: str, params: Mapping[str, Any]) -> None:
        """Ledger entries that are not there yet, and the projection where no later entry stands."""
        cursor.execute("DROP TABLE IF EXISTS import_consents")
        cursor.execute(
            f"""CREATE TEMP TABLE import_consents ON COMMIT DROP AS
            SELECT nextval(pg_get_serial_sequence('crm_consententry', 'id')) AS id, r.v_contact_id AS contact_id,
                p.purpose, least(r.s_consented_at, %(at)s::timestamptz) AS at,
                r.s_consent_wording AS wording
            FROM import_ready r CROSS JOIN LATERAL unnest(r.{column}) AS p (purpose)
            WHERE r.action <> 'unchanged' AND NOT EXISTS (SELECT 1 FROM crm_consententry e
                WHERE e.contact_id = r.v_contact_id AND e.purpose = p.purpose AND e.given = %(given)s
                AND {on_record("r.s_consented_at", "r.s_consent_wording")})""",
            params,
        )
        cursor.execute(
            "INSERT INTO crm_consententry (id, contact_id, purpose, given, scope, wording, at, recorded_at, source)"
            " SELECT id, contact_id, purpose, %(given)s, '', wording, at, %(at)s, left('import:' || %(source)s, 40)"
            " FROM import_consents ORDER BY id",
            params,
        )
        cursor.execute(
            "INSERT INTO crm_consentstate (contact_id, purpose, given, scope, expires_at, entry_id)"
            " SELECT contact_id, purpose, %(given)s, '', NULL, id FROM import_consents"
            " ON CONFLICT (contact_id, purpose) DO UPDATE SET given = excluded.given, scope = '', expires_at = NULL,"
            " entry_id = excluded.entry_id WHERE (SELECT least(at, recorded_at) FROM crm_consententry"
            " WHERE id = crm_consentstate.entry_id) <= (SELECT at FROM crm_consententry WHERE id = excluded.entry_id)",
            params,
        )
        cursor.execute("DROP TABLE import_consents")


register(Advocates())
register_own_word(OwnWord("LEFT JOIN advocates_advocate own ON own.contact_id = t.id", "own.told"))
