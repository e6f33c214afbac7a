"""An edition is held, when its readers complain, by the newsletter itself."""

from advocacy.delivery import runs
from newsletter.actions.complaints import hold, page_of

runs.register("edition", hold, page_of)
