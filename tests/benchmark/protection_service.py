"""A protection service of Karbor: python -m ... KARBOR_CONF."""

import sys

import eventlet
eventlet.monkey_patch()

from karbor.common import config  # noqa: E402,F401, its options
from karbor import objects  # noqa: E402
from karbor import service  # noqa: E402
from oslo_config import cfg  # noqa: E402
from oslo_log import log  # noqa: E402

from tests.benchmark import karbor_database  # noqa: E402


def main() -> None:
    karbor_database.use_pg8000()
    objects.register_all()
    cfg.CONF(['--config-file', sys.argv[1]], project='karbor',
             default_config_dirs=[])
    log.setup(cfg.CONF, 'karbor')
    service.serve(service.Service.create(binary='karbor-protection'))
    service.wait()


if __name__ == '__main__':
    main()
