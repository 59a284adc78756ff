"""A title that breaks what it can, and the day on which the tests' sites are built."""

import datetime

HOSTILE = "<script>alert(1)</script> & \"quotes\" 'single' `code` **stars** [link](x) {{ braces }} &lt;"
TODAY = datetime.date(2023, 3, 15)
