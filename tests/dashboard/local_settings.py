"""Settings of Horizon, as an operator has them in local_settings.py."""

import os
import sys
import types

# [begin of the documented part]
# karbor-dashboard 1.5.1 imports django.core.urlresolvers, which Django 2 does
# not have any more. Its names are in django.urls, which cannot be imported
# while Django reads the settings.
_urlresolvers = types.ModuleType('django.core.urlresolvers')


def _find_url_name(name):
    import django.urls
    return getattr(django.urls, name)


_urlresolvers.__getattr__ = _find_url_name
sys.modules['django.core.urlresolvers'] = _urlresolvers

# These names are missing in Django 4.
import django.conf.urls  # noqa: E402
import django.urls  # noqa: E402
from django.utils import translation  # noqa: E402

django.conf.urls.url = django.urls.re_path
translation.ugettext_lazy = translation.gettext_lazy
translation.ungettext_lazy = translation.ngettext_lazy
# [end of the documented part]

#: Where tests/dashboard/horizon_server.py writes what Horizon needs.
_FOLDER = os.environ['KARBOR_TROVE_HORIZON_FOLDER']

OPENSTACK_KEYSTONE_URL = os.environ.get('OS_AUTH_URL', 'http://127.0.0.1:1/v3')
OPENSTACK_HOST = '127.0.0.1'
OPENSTACK_API_VERSIONS = {'identity': 3}
OPENSTACK_KEYSTONE_DEFAULT_ROLE = 'member'
# Neither a database nor memcached.
SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'
CACHES = {'default': {
    'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}}
SECRET_KEY = 'not a secret'
ALLOWED_HOSTS = ['*']
WEBROOT = '/'
TIME_ZONE = 'UTC'
DEBUG = False
STATIC_ROOT = os.path.join(_FOLDER, 'static')
ADD_TEMPLATE_DIRS = [os.path.join(_FOLDER, 'templates')]
# Without compressed files a page takes 3 s. The page tests need no styles.
COMPRESS_ENABLED = COMPRESS_OFFLINE = os.path.exists(STATIC_ROOT)
COMPRESS_PRECOMPILERS = (
    ('text/scss', 'tests.dashboard.scss_filter.ScssFilter'),
) if COMPRESS_ENABLED else ()
LOGGING = {
    'version': 1, 'disable_existing_loggers': False,
    'formatters': {'line': {'format': '%(asctime)s %(name)s %(message)s'}},
    'handlers': {'console': {'class': 'logging.StreamHandler',
                             'formatter': 'line'}},
    'root': {'handlers': ['console'], 'level': 'INFO'},
    # karborclient logs at DEBUG what it sends and receives.
    'loggers': {'karborclient': {'level': 'DEBUG'}},
}
