"""Mail that comes in goes to the timelines of the people it is about."""

from advocacy.delivery.inbound import register_reader
from advocates.actions.letters import receive

register_reader(receive)
