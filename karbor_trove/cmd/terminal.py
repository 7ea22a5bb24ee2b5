# SPDX-License-Identifier: Apache-2.0

"""Output on the terminal of an operator."""

import re

# The control characters C0, DEL and C1, the separators of lines and
# paragraphs, and the characters that change the direction of the text.
_CONTROL_CHARACTERS = re.compile(
    '[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]')


class ClosedPipe(BaseException):
    """The program that reads the output has ended.

    This class does not inherit from Exception, because cliff logs each
    Exception of a command as a failure [cliff 3.4.0].
    """


def escape(value: object) -> object:
    """Return a text with its control characters escaped.

    A control character becomes its escape sequence in Python, such as
    "\\x1b". Otherwise a terminal could run the character as a command. A line
    feed could start a line that looks like the command's own output.

    :param value: the text. Any other value is returned as it is.
    """
    if not isinstance(value, str):
        return value
    return _CONTROL_CHARACTERS.sub(
        lambda match: match[0].encode('unicode_escape').decode(), value)
