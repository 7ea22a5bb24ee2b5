# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Files that are replaced as a whole."""

import contextlib
import os
from typing import Iterator, TextIO


@contextlib.contextmanager
def replaced(path: str) -> Iterator[TextIO]:
    """Provide a text file that replaces the file at a path at the end.

    A reader of the path sees the previous file or the whole new one. If an
    exception is raised, the previous file stays.
    """
    # Not tempfile: its files can be read by their owner only. The node
    # exporter of Prometheus runs as another user and ignores names that do
    # not end in ".prom".
    temporary = '%s.%d.tmp' % (path, os.getpid())
    try:
        with open(temporary, 'w', encoding='utf-8') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
