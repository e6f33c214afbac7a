from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from advocates.views import (
    cohorts,
    customers,
    growing,
    home,
    joining,
    letters,
    moving,
    nominations,
    pods,
    profile,
    staff,
    words,
)


class TaskMove(StringConverter):
    regex = "done|undo|tomorrow|week|day"


class CreditMove(StringConverter):
    regex = "approve|refuse|pay|back"


register_converter(TaskMove, "task_move")
register_converter(CreditMove, "credit_move")

app_name = "advocates"
urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("search/", home.search, name="search"),
    path("today/", home.today, name="today"),
    path("today/undo/", home.undo, name="undo"),
    path("today/<int:pk>/<task_move:what>/", home.task, name="task"),
    # joining
    path("join/", joining.join, name="join"),
    path("join/sent/", joining.applied, name="applied"),
    path("join/confirm/<str:token>/", joining.confirm, name="confirm"),
    path("invitation/<str:token>/", joining.invitation, name="invitation"),
    path("invitation/<str:token>/join/", joining.accept, name="accept"),
    path("welcome/", joining.welcome, name="welcome"),
    # one's own
    path("profile/", profile.profile, name="profile"),
    path("profile/consents/", profile.consents, name="consents"),
    path("profile/away/", profile.add_away, name="add_away"),
    path("profile/away/<int:pk>/remove/", profile.remove_away, name="remove_away"),
    path("profile/leave/", profile.leave, name="leave"),
    path("points/", profile.my_points, name="points"),
    path("write/", profile.write, name="write"),
    path("wish/", letters.wishes, name="wishes"),
    path("wish/<uuid:public_id>/withdraw/", letters.withdraw_wish, name="withdraw_wish"),
    path("recognition/<int:pk>/", profile.recognition, name="recognition"),
    # for colleagues
    path("advocates/", staff.advocates, name="advocates"),
    path("advocates/<uuid:public_id>/", staff.advocate, name="advocate"),
    path("advocates/<uuid:public_id>/thank/", staff.thank, name="thank"),
    path("advocates/<uuid:public_id>/touch/", staff.touch, name="touch"),
    path("advocates/<uuid:public_id>/moved/", moving.moved, name="moved"),
    path("advocates/<uuid:public_id>/moved/take-back/", moving.take_back, name="take_move_back"),
    path("advocates/<uuid:public_id>/write-down/", letters.write_down, name="write_down"),
    path("letters/<uuid:public_id>/", letters.letter, name="letter"),
    path("letters/<uuid:public_id>/take-back/", letters.take_back, name="take_letter_back"),
    path("wishes/", letters.wish_list, name="wish_list"),
    path("wishes/<uuid:public_id>/", letters.wish, name="wish"),
    path("nominate/", nominations.nominate, name="nominate"),
    path("nominate/<uuid:public_id>/withdraw/", nominations.withdraw, name="withdraw_nomination"),
    path("nominated/", nominations.nomination_list, name="nominations"),
    path("nominated/<uuid:public_id>/", nominations.nomination, name="nomination"),
    path("nominated/credits/", nominations.credit_list, name="credits"),
    path("nominated/credits/<int:pk>/<credit_move:what>/", nominations.credit, name="credit"),
    path("customers/", customers.customer_list, name="customers"),
    path("customers/<int:pk>/", customers.customer, name="customer"),
    path("customers/<int:pk>/pause/", customers.pause, name="pause_customer"),
    path("customers/<int:pk>/pauses/<int:pause_id>/lift/", customers.lift, name="lift_pause"),
    path("customers/<int:pk>/not-ready/", customers.not_ready, name="customer_not_ready"),
    path("customers/<int:pk>/ready/", customers.ready, name="customer_ready"),
    path("customers/<int:pk>/commitments/new/", customers.new_commitment, name="new_commitment"),
    path("customers/commitments/<int:pk>/", customers.commitment, name="commitment"),
    path("customers/commitments/<int:pk>/end/", customers.end_commitment, name="end_commitment"),
    path("customers/commitments/<int:pk>/back/", customers.bring_commitment_back, name="bring_commitment_back"),
    path("pods/", pods.pod_list, name="pods"),
    path("pods/stand-in/", pods.stand_in, name="stand_in"),
    path("pods/stand-in/<int:pk>/end/", pods.end_stand_in, name="end_stand_in"),
    path("pods/undo/", pods.undo, name="undo_pods"),
    path("pods/<int:pk>/", pods.pod, name="pod"),
    path("pods/<int:pk>/note/", pods.note, name="pod_note"),
    path("pods/<int:pk>/move/", pods.move, name="move_advocates"),
    path("pods/<int:pk>/manager/", pods.hand_over, name="hand_over_pod"),
    path("cohorts/", cohorts.cohort_list, name="cohorts"),
    path("cohorts/new/", cohorts.new_cohort, name="new_cohort"),
    path("cohorts/count/", cohorts.count, name="count_cohort"),
    path("cohorts/value/", cohorts.value, name="cohort_value"),
    path("cohorts/alike/", cohorts.alike, name="cohorts_alike"),
    path("cohorts/<int:pk>/", cohorts.cohort, name="cohort"),
    path("cohorts/<int:pk>/edit/", cohorts.edit_cohort, name="edit_cohort"),
    path("cohorts/<int:pk>/invite/", cohorts.invite, name="invite_cohort"),
    path("cohorts/rounds/<int:pk>/stop/", cohorts.stop, name="stop_round"),
    path("journey/", growing.journey, name="journey"),
    path("journey/new/", growing.new_stage, name="new_stage"),
    path("journey/<int:pk>/", growing.stage, name="stage"),
    path("journey/<int:pk>/move/", growing.move_stage, name="move_stage"),
    path("launches/", growing.launches, name="launches"),
    path("launches/<int:pk>/", growing.launch, name="launch"),
    path("launches/<int:pk>/tick/", growing.tick, name="tick_launch"),
    path("launches/<int:pk>/move/", growing.move_launch, name="move_launch"),
    path("invitations/", staff.invited, name="invited"),
    path("invitations/words/", words.word_list, name="invitation_word_list"),
    path("invitations/words/new/", words.new_words, name="new_invitation_words"),
    path("invitations/words/<int:pk>/", words.words, name="invitation_words"),
    path("invitations/words/<int:pk>/preview/", words.words_preview, name="invitation_words_preview"),
    path("invitations/words/<int:pk>/trial/", words.words_trial, name="invitation_words_trial"),
    path("applications/", staff.applications, name="applications"),
    path("applications/<uuid:public_id>/", staff.application, name="application"),
    path("rules/", staff.rule_list, name="rules"),
    path("rules/new/", staff.new_rule, name="new_rule"),
    path("rules/<int:pk>/", staff.rule, name="rule"),
    path("rules/<int:pk>/edit/", staff.edit_rule, name="edit_rule"),
    path("rules/<int:pk>/switch/", staff.switch, name="switch"),
]
