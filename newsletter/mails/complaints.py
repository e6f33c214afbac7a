"""An edition is held, when its readers complain, by the newsletter itself."""

from advocacy.delivery import runs
from newsletter.actions.complaints import hold

runs.register("edition", hold)
