"""The ground's own kinds of import: accounts, contacts, subscriptions, deals, usage, signals."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from advocacy.crm.catalogue import SIGNAL_KINDS
from advocacy.crm.importing import values as cell
from advocacy.crm.importing.kinds import (
    Check,
    Field,
    Kind,
    Reference,
    account_join,
    colleague_join,
    colleague_value,
    contact_join,
    literal,
    own_word,
    register,
    sentence,
    unknown_account,
    unknown_colleague,
    unknown_contact,
)
from advocacy.crm.importing.mapping import Plan
from advocacy.crm.models import Account, Contact, Deal, Signal, Subscription, Usage

_l = gettext_lazy
ACCOUNT = Reference(to="account", through=("id", "subscription", "domain"))
COLLEAGUE = Reference(to="user", through=("id",))
COMPANY_FACTS = (
    Field("industry", _l("industry"), cell.Text(longest=100), synonyms=("sector", "vertical")),
    Field(
        "employees",
        _l("employees"),
        cell.Whole(),
        synonyms=("headcount", "number_of_employees", "no_of_employees", "company_size", "numberofemployees"),
    ),
    Field("region", _l("region"), cell.Text(longest=60), synonyms=("territory", "geo")),
    Field("country", _l("country"), cell.Country(), synonyms=("country_code", "billing_country", "billingcountry")),
    Field("language", _l("language"), cell.Language(), synonyms=("locale", "preferred_language")),
)
CURRENCY = Field("currency", _l("currency"), cell.Currency(), synonyms=("currency_code", "currencyisocode"), keep=True)


class Accounts(Kind):
    slug = "accounts"
    title = _l("Accounts")
    model = Account
    order = 1
    fields = (
        Field(
            "external_id", _l("account id"), cell.Text(longest=200), required=True,
            synonyms=("account_id", "id", "accountid", "crm_id", "company_id", "customer_id"),
        ),
        Field(
            "name", _l("name"), cell.Text(longest=200), required=True,
            synonyms=("account_name", "account", "company", "company_name", "customer", "customer_name"),
        ),
        Field("domain", _l("domain"), cell.Domain(), synonyms=("website", "web_site", "company_domain", "url")),
        Field(
            "parent", _l("parent account"), Reference(to="account"),
            synonyms=("parent_id", "parent_account", "parent_account_id", "parentid"),
        ),
        *COMPANY_FACTS,
        Field(
            "annual_value", _l("annual value"), cell.Money(),
            synonyms=("arr", "acv", "arr_amount", "annual_revenue", "annual_contract_value"),
        ),
        CURRENCY,
        Field("time_zone", _l("time zone"), cell.TimeZone(), synonyms=("timezone", "tz")),
        Field("products", _l("products"), cell.Words(), synonyms=("product", "products_owned")),
        Field("use_cases", _l("use cases"), cell.Words(), synonyms=("use_case", "usecases")),
        Field(
            "replaced_competitors", _l("competitors replaced"), cell.Words(),
            synonyms=("replaced", "competitors_replaced", "previous_vendor"),
        ),
        Field("competes_with", _l("companies it competes with"), cell.Words(), synonyms=("competitors",)),
        Field(
            "contract_start", _l("contract start"), cell.Day(),
            synonyms=("contract_start_date", "customer_since", "start_date", "signup_date"),
        ),
        Field(
            "contract_months", _l("contract term in months"), cell.Whole(most=32_767),
            synonyms=("contract_term", "term", "term_months"),
        ),
        Field("renewal_on", _l("renewal"), cell.Day(), synonyms=("renewal_date", "renewal", "contract_end")),
        Field("owner", _l("account owner"), COLLEAGUE, synonyms=("owner_email", "account_owner", "account_manager")),
        Field(
            "csm", _l("customer success manager"), COLLEAGUE,
            synonyms=("csm_email", "customer_success_manager", "success_manager"),
        ),
        Field("owner_approves", _l("its owner approves each ask"), cell.YesNo(), keep=True),
    )  # fmt: skip

    def joins(self, plan: Plan) -> list[str]:
        joined = [join for name in ("owner", "csm") if name in plan.given for join in colleague_join(name)]
        return joined + (account_join(plan, "parent", "p") if "parent" in plan.given else [])

    def values(self, plan: Plan) -> dict[str, str]:
        found = super().values(plan)
        found |= {f"{name}_id": colleague_value(name) for name in ("owner", "csm") if name in plan.given}
        return found | ({"parent_id": "p.id"} if "parent" in plan.given else {})

    def said_by_row(self, plan: Plan) -> list[str]:
        # A parent may come in the same file and have no number yet: what the row says is its id at the source.
        said = [part for part in super().said_by_row(plan) if part != "p.id"]
        return [*said, "s.parent"] if "parent" in plan.given else said

    def checks(self, plan: Plan) -> list[Check]:
        if "parent" not in plan.given:
            return []
        return [Check("s.parent = s.external_id", literal(_("An account cannot be its own parent.")))]

    def warnings(self, plan: Plan) -> list[Check]:
        return [unknown_colleague(name) for name in ("owner", "csm") if name in plan.given]

    def settle(self, cursor: Any, plan: Plan, params: Mapping[str, Any]) -> None:
        """A parent may stand anywhere in the same file; whose parent is neither there nor known is refused."""
        if "parent" not in plan.given:
            return
        source, _through = plan.reference("parent")
        own = source == plan.source
        said = sentence(_("No account is known by the parent's id “{id}”."), id="j.s_parent")
        staged = (
            "AND NOT EXISTS (SELECT 1 FROM import_judged p WHERE p.external_id = j.s_parent AND p.reason IS NULL)"
            if own
            else ""
        )
        if own:
            cursor.execute("CREATE INDEX ON import_judged (external_id)")
            cursor.execute("ANALYZE import_judged (external_id, s_parent, v_parent_id)")
        # Each round refuses the children of what the round before refused.
        while True:
            cursor.execute(
                f"UPDATE import_judged j SET reason = {said} WHERE j.reason IS NULL AND j.s_parent IS NOT NULL"
                f" AND j.v_parent_id IS NULL {staged}",
                params,
            )
            if not own or not cursor.rowcount:
                break

    def write(self, cursor: Any, plan: Plan, params: Mapping[str, Any]) -> None:
        if "parent" in plan.given and plan.reference("parent")[0] == plan.source:
            cursor.execute(
                "UPDATE import_ready r SET v_parent_id = p.id,"
                " action = CASE WHEN r.action = 'unchanged' THEN 'updated' ELSE r.action END"
                " FROM import_ready p WHERE r.v_parent_id IS NULL AND p.external_id = r.s_parent"
            )
        super().write(cursor, plan, params)


OWN_FACTS = frozenset({"given_name", "family_name", "title", "linkedin", "language", "time_zone"})
"""What people may have told about themselves, which the CRM then does not overwrite."""


class Contacts(Kind):
    slug = "contacts"
    title = _l("Contacts")
    model = Contact
    order = 2
    any_of = (("external_id", "email"),)
    fields = (
        Field(
            "external_id", _l("contact id"), cell.Text(longest=200),
            synonyms=("contact_id", "id", "contactid", "person_id"),
            help=_l("Without one, the e-mail address is the id."),
        ),
        Field(
            "account", _l("account"), ACCOUNT, required=True,
            synonyms=("account_id", "accountid", "company_id", "customer_id", "company"),
        ),
        Field("given_name", _l("given name"), cell.Text(longest=100), synonyms=("first_name", "firstname", "forename")),
        Field("family_name", _l("family name"), cell.Text(longest=100), synonyms=("last_name", "lastname", "surname")),
        Field(
            "full_name", _l("whole name"), cell.Text(longest=200), synonyms=("name", "contact_name", "fullname"),
            help=_l("Parted at its first space where given and family name have no columns."),
        ),
        Field("email", _l("e-mail"), cell.Email(), synonyms=("e_mail", "email_address", "mail")),
        Field("title", _l("title"), cell.Text(longest=150), synonyms=("job_title", "position", "role")),
        Field(
            "persona", _l("role at the account"),
            cell.Choice(choices=cell.choices(
                Contact.Persona.choices, decision_maker="decider", executive="decider", sponsor="decider",
                economic_buyer="decider", champion="champion", administrator="admin", end_user="user",
                power_user="user",
            )),
            synonyms=("buyer_role", "contact_role", "account_role"), keep=True,
        ),
        Field("language", _l("language"), cell.Language(), synonyms=("locale", "preferred_language")),
        Field("country", _l("country"), cell.Country(), synonyms=("country_code", "mailing_country", "mailingcountry")),
        Field("time_zone", _l("time zone"), cell.TimeZone(), synonyms=("timezone", "tz")),
        Field("linkedin", _l("LinkedIn"), cell.Url(), synonyms=("linkedin_url", "linkedin_profile")),
        Field("left_on", _l("left the account on"), cell.Day(), synonyms=("left_date", "departed_on")),
    )  # fmt: skip

    def key(self, plan: Plan) -> str:
        return "coalesce(s.external_id, lower(s.email))"

    def joins(self, plan: Plan) -> list[str]:
        return account_join(plan)

    def values(self, plan: Plan) -> dict[str, str]:
        found = super().values(plan)
        found.pop("full_name", None)
        if "full_name" in plan.given:
            found.setdefault("given_name", "coalesce(split_part(s.full_name, ' ', 1), '')")
            found.setdefault("family_name", "coalesce(substr(s.full_name, strpos(s.full_name || ' ', ' ') + 1), '')")
        if own := own_word():
            for column in OWN_FACTS & found.keys():
                found[column] = f"CASE WHEN {own.told} ? '{column}' THEN t.{column} ELSE {found[column]} END"
        return {"account_id": "a.id"} | found

    def existing(self) -> str:
        own = own_word()
        return f"{super().existing()} {own.join}" if own else super().existing()

    def checks(self, plan: Plan) -> list[Check]:
        erased = literal(_("This person was erased at their own wish and does not come back by import."))
        return [unknown_account(plan), Check("t.erased_at IS NOT NULL", erased)]


class Subscriptions(Kind):
    slug = "subscriptions"
    title = _l("Subscriptions")
    model = Subscription
    order = 3
    fields = (
        Field(
            "external_id", _l("subscription id"), cell.Text(longest=200), required=True,
            synonyms=("subscription_id", "id", "subscriptionid", "contract_id"),
        ),
        Field("account", _l("account"), ACCOUNT, required=True, synonyms=("account_id", "accountid", "customer_id")),
        Field("product", _l("product"), cell.Text(longest=100), synonyms=("plan", "plan_tier", "product_name", "tier")),
        Field("started_on", _l("start"), cell.Day(), required=True, synonyms=("start_date", "start", "started")),
        Field("ended_on", _l("end"), cell.Day(), synonyms=("end_date", "end", "ended")),
        Field("seats", _l("seats"), cell.Whole(), synonyms=("licenses", "quantity", "users")),
        Field("annual_value", _l("annual value"), cell.Money(), synonyms=("arr", "arr_amount", "acv")),
        CURRENCY,
        Field("is_trial", _l("trial"), cell.YesNo(), synonyms=("trial",), keep=True),
    )  # fmt: skip

    def joins(self, plan: Plan) -> list[str]:
        return account_join(plan)

    def values(self, plan: Plan) -> dict[str, str]:
        return {"account_id": "a.id"} | super().values(plan)

    def checks(self, plan: Plan) -> list[Check]:
        early = literal(_("It ends before it starts."))
        return [unknown_account(plan), Check("s.ended_on < s.started_on", early)]


class Deals(Kind):
    slug = "deals"
    title = _l("Deals")
    model = Deal
    order = 4
    fields = (
        Field(
            "external_id", _l("deal id"), cell.Text(longest=200), required=True,
            synonyms=("deal_id", "id", "opportunity_id", "opportunityid"),
        ),
        Field(
            "name", _l("name"), cell.Text(longest=200), required=True,
            synonyms=("deal_name", "deal", "opportunity_name", "opportunity"),
        ),
        Field(
            "account", _l("account, where the prospect is a customer already"), ACCOUNT,
            synonyms=("account_id", "accountid", "customer_id"),
        ),
        Field("prospect", _l("prospect"), cell.Text(longest=200), synonyms=("company", "company_name", "account_name")),
        *COMPANY_FACTS,
        Field("product", _l("product"), cell.Text(longest=100), synonyms=("product_name", "products")),
        Field("competitor", _l("competitor"), cell.Text(longest=100), synonyms=("main_competitor", "competitors")),
        Field(
            "kind", _l("kind"),
            cell.Choice(choices=cell.choices(
                [("new", "new"), ("expansion", "expansion"), ("renewal", "renewal")],
                new_business="new", new_logo="new", upsell="expansion", cross_sell="expansion", upgrade="expansion",
                existing_business="expansion",
            )),
            synonyms=("type", "deal_type"), keep=True,
        ),
        Field("stage", _l("stage"), cell.Text(longest=60), synonyms=("deal_stage", "stage_name", "stagename")),
        Field(
            "outcome", _l("outcome"),
            cell.Choice(choices=cell.choices(
                Deal.Outcome.choices, closed_won="won", closed_lost="lost", in_progress="open", abandoned="lost",
                closedwon="won", closedlost="lost",
            )),
            synonyms=("status", "result", "deal_status"), keep=True,
        ),
        Field("value", _l("value"), cell.Money(), synonyms=("amount", "deal_value", "deal_amount")),
        CURRENCY,
        Field("opened_on", _l("opened"), cell.Day(), synonyms=("created_date", "create_date", "opened", "created")),
        Field(
            "close_on", _l("closes"), cell.Day(),
            synonyms=("close_date", "expected_close", "expected_close_date", "closedate"),
        ),
        Field(
            "closed_on", _l("closed"), cell.Day(), synonyms=("closed_date", "closed", "actual_close_date"),
            help=_l("A deal won or lost without it closed on the day it was to close."),
        ),
        Field("owner", _l("seller"), COLLEAGUE, synonyms=("owner_email", "seller", "deal_owner", "sales_rep")),
    )  # fmt: skip

    def joins(self, plan: Plan) -> list[str]:
        joined = account_join(plan) if "account" in plan.given else []
        return joined + (colleague_join("owner") if "owner" in plan.given else [])

    def _outcome(self) -> str:
        return "coalesce(s.outcome, t.outcome, 'open')"

    def _closed(self) -> str:
        closed = "coalesce(s.closed_on, t.closed_on, s.close_on, t.close_on)"
        return f"CASE WHEN {self._outcome()} = 'open' THEN NULL ELSE {closed} END"

    def values(self, plan: Plan) -> dict[str, str]:
        found = super().values(plan)
        if "account" in plan.given:
            found["account_id"] = "a.id"
        if "owner" in plan.given:
            found["owner_id"] = colleague_value("owner")
        # Outcome and closing day belong together, whichever of them the file gives.
        return found | {"outcome": self._outcome(), "closed_on": self._closed()}

    def checks(self, plan: Plan) -> list[Check]:
        undated = literal(_("The deal is won or lost, but the day it closed is missing."))
        found = [Check(f"{self._outcome()} <> 'open' AND ({self._closed()}) IS NULL", undated)]
        return ([unknown_account(plan)] if "account" in plan.given else []) + found

    def warnings(self, plan: Plan) -> list[Check]:
        return [unknown_colleague("owner")] if "owner" in plan.given else []


class UsageMinutes(Kind):
    slug = "usage"
    title = _l("Usage")
    model = Usage
    order = 5
    fields = (
        Field(
            "external_id", _l("usage id"), cell.Text(longest=200), synonyms=("usage_id", "id"),
            help=_l("Without one, account, feature and day are the id."),
        ),
        Field("account", _l("account"), ACCOUNT, required=True, synonyms=("account_id", "accountid", "customer_id")),
        Field("feature", _l("feature"), cell.Text(longest=100), required=True, synonyms=("feature_name", "module")),
        Field("day", _l("day"), cell.Day(), required=True, synonyms=("date", "usage_date", "used_on")),
        Field(
            "minutes", _l("minutes"), cell.Money(digits=10), required=True,
            synonyms=("duration_minutes", "usage_minutes", "duration"),
        ),
    )  # fmt: skip

    def key(self, plan: Plan) -> str:
        return "coalesce(s.external_id, concat_ws(':', s.account, s.feature, s.day))"

    def joins(self, plan: Plan) -> list[str]:
        return account_join(plan)

    def values(self, plan: Plan) -> dict[str, str]:
        return {"account_id": "a.id"} | super().values(plan)

    def checks(self, plan: Plan) -> list[Check]:
        return [unknown_account(plan)]


class Signals(Kind):
    slug = "signals"
    title = _l("Signals")
    model = Signal
    order = 6
    any_of = (("account", "contact"),)
    stamped = ("received_at",)  # a corrected answer is news
    fields = (
        Field(
            "external_id", _l("signal id"), cell.Text(longest=200), synonyms=("signal_id", "id", "event_id"),
            help=_l("Without one, signal, subject and moment are the id."),
        ),
        Field(
            "kind", _l("signal"),
            cell.Choice(choices=cell.choices([(slug, kind.name) for slug, kind in SIGNAL_KINDS.items()])),
            required=True, synonyms=("signal", "type", "event", "signal_kind", "event_type"),
        ),
        Field("account", _l("account"), ACCOUNT, synonyms=("account_id", "accountid", "customer_id")),
        Field(
            "contact", _l("contact"), Reference(to="contact", through=("id", "email")),
            synonyms=("contact_id", "contactid", "person_id"),
        ),
        Field("value", _l("value"), cell.Money(digits=6, least=None), synonyms=("score", "answer")),
        Field(
            "occurred_at", _l("occurred"), cell.Instant(), required=True,
            synonyms=("occurred", "date", "occurred_on", "happened_at", "timestamp", "at"),
        ),
        Field(
            "occurrence", _l("occurrence"), cell.Text(longest=200),
            help=_l("Which one of its kind it is; rules fire once for each. The signal id unless given."),
        ),
    )  # fmt: skip

    def key(self, plan: Plan) -> str:
        natural = (
            "concat_ws(':', s.kind, coalesce(s.contact, s.account),"
            " to_char(s.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS'))"
        )
        return f"coalesce(s.external_id, {natural})"

    def joins(self, plan: Plan) -> list[str]:
        return (account_join(plan) if "account" in plan.given else []) + (
            contact_join(plan) if "contact" in plan.given else []
        )

    def _account(self, plan: Plan) -> str:
        sides = [side for name, side in (("account", "a.id"), ("contact", "c.account_id")) if name in plan.given]
        return f"coalesce({', '.join(sides)})"

    def values(self, plan: Plan) -> dict[str, str]:
        found = {"account_id": self._account(plan)}
        if "contact" in plan.given:
            found["contact_id"] = "c.id"
        found |= super().values(plan)
        found["occurrence"] = "coalesce(s.occurrence, t.occurrence, k.external_id)"
        return found

    def said_by_row(self, plan: Plan) -> list[str]:
        return [part for part in super().said_by_row(plan) if part != "k.external_id"]

    def checks(self, plan: Plan) -> list[Check]:
        found = [unknown_account(plan)] if "account" in plan.given else []
        if "contact" in plan.given:
            found.append(unknown_contact(plan))
            found.append(
                Check("c.erased_at IS NOT NULL", literal(_("This person was erased; nothing more is kept about them.")))
            )
        future = literal(_("A signal has happened; this one lies in the future."))
        found.append(Check("s.occurred_at > %(at)s::timestamptz + interval '1 day'", future))
        for slug, least, most in (("nps", 0, 10), ("csat", 1, 5)):
            name = str(SIGNAL_KINDS[slug].name)
            missing = _("“{name}” needs a value from {least} to {most}.").format(name=name, least=least, most=most)
            found.append(
                Check(
                    f"s.kind = '{slug}' AND (s.value IS NULL OR s.value NOT BETWEEN {least} AND {most})",
                    literal(missing),
                )
            )
        return found


register(Accounts(), Contacts(), Subscriptions(), Deals(), UsageMinutes(), Signals())
