"""Option of test_growth.py."""


def pytest_addoption(parser):
    parser.addoption('--write-growth', action='store_true',
                     help='write the table of bank requests in the page '
                          'about the design')
