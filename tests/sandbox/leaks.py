"""Tokens and passwords in the logs of the sandbox."""

import re
from typing import List

#: Every token of the sandbox is a Fernet token of at least this length.
TOKEN = re.compile(r'gAAAAA[\w-]{60,}')


def list_lines(text: str, password: str) -> List[str]:
    """Return the lines of a log with a token or a password.

    :returns: the lines, in which each token and each password is masked.
    """
    secret = re.compile('%s|%s' % (TOKEN.pattern, re.escape(password)))
    return [secret.sub('***', line) for line in text.splitlines()
            if secret.search(line)]
