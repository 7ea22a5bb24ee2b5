"""Compiler of Horizon's styles that django-compressor's threads can share."""

import threading

from horizon.utils import scss_filter

_LOCK = threading.Lock()


class ScssFilter(scss_filter.HorizonScssFilter):
    """Compiles one file at a time.

    django-compressor compresses in four threads, and pyScss sometimes fails
    in one of them with a syntax error.
    """

    def input(self, **kwargs):
        with _LOCK:
            return super().input(**kwargs)
