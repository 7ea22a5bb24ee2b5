"""Release of the sandbox's Trove."""

import re

from tests.fake_trove import releases
from tests.sandbox import environments
from tests.sandbox import lockfiles
from tests.sandbox.services import cloud as catalog

RELEASE = releases.Release.parse(float(re.search(
    r'^trove==(\d+\.\d+)', lockfiles.pinned(environments.TROVE), re.M)[1]))
#: Whether Trove creates and lists the databases and users of an instance.
HAS_ACCOUNTS = catalog.DATASTORE in RELEASE.account_datastores
