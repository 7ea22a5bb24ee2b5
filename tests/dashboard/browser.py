"""A tenant's browser: Chromium without a screen, driven by Playwright."""

import contextlib
import os
import pathlib
import shutil
import time

from playwright import sync_api
import pytest

#: Timeout of each wait, in seconds. The first page imports all of Horizon.
TIMEOUT = 120
#: How often a wait for rows loads the page again, in seconds. Horizon asks for
#: the status of a row every 2.5 s.
RELOAD_INTERVAL = 15
_PROGRAMS = ('chromium', 'chromium-browser', 'google-chrome')
_TABLE = '''() => Array.from(
    document.querySelectorAll('table.datatable tbody tr[data-object-id]')
).map(row => Array.from(row.children).map(
    cell => cell.innerText.trim().replace(/\\s+/g, ' ')))'''


def _find_program(playwright):
    for program in filter(None, [
            os.environ.get('CHROMIUM'), *map(shutil.which, _PROGRAMS),
            playwright.chromium.executable_path]):
        if pathlib.Path(program).exists():
            return program
    pytest.skip('There is no Chromium: none of %s is on PATH, CHROMIUM does '
                'not name one, and "playwright install chromium" was not run'
                % ', '.join(_PROGRAMS))


@contextlib.contextmanager
def running():
    """Run Chromium. Skips the test if there is none."""
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=_find_program(playwright),
            # Chromium refuses to run as root with its own sandbox.
            args=['--no-sandbox', '--disable-dev-shm-usage'])
        yield chromium
        chromium.close()


class Browser:
    """One window.

    :param chromium: what running() returns.
    :param url: Horizon's URL.
    :param pictures: the folder of pictures. None if there are none.
    """

    def __init__(self, chromium, url, pictures=None):
        self.page = chromium.new_page(
            base_url=url, viewport={'width': 1280, 'height': 720})
        self.page.set_default_timeout(TIMEOUT * 1000)
        self._pictures = pictures

    def go(self, path):
        self.page.goto(path)
        self.settle()

    def settle(self):
        """Wait until the page is loaded and its scripts are idle."""
        self.page.wait_for_load_state('load')
        self.page.wait_for_function('!window.jQuery || jQuery.active === 0')

    def take_picture(self, name, whole=True):
        """Take a picture of the whole page, or of what the window shows."""
        if self._pictures:
            self._pictures.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=self._pictures / f'{name}.png',
                                 full_page=whole, animations='disabled')

    def list_messages(self):
        return [' '.join(text.replace('×', '').split())
                for text in self.page.locator(
                    '.alert, .has-error .help-block').all_inner_texts()
                if text.strip()]

    def check_message(self, text):
        messages = self.list_messages()
        assert any(text in message for message in messages), messages

    def read_rows(self):
        """Return the rows of the page's tables as lists of texts."""
        return self.page.evaluate(_TABLE)

    def wait_for_rows(self, check, timeout=120, reload=True):
        """Return the result of check(rows) when it is true.

        Horizon renews the rows of running operations itself. New rows need a
        new page, so this loads the page again every RELOAD_INTERVAL seconds.

        :param reload: False to never load the page again.
        """
        begin = loaded = time.monotonic()
        while True:
            rows = self.read_rows()
            result = check(rows)
            if result:
                return result
            now = time.monotonic()
            assert now < begin + timeout, (rows, self.list_messages())
            if reload and now > loaded + RELOAD_INTERVAL:
                self.page.reload()
                self.settle()
                loaded = time.monotonic()
            self.page.wait_for_timeout(200)

    def wait_for_row(self, check, **kw):
        """Return the first row for which check(row) is true."""
        return self.wait_for_rows(
            lambda rows: next(filter(check, rows), None), **kw)

    def submit(self, selector):
        """Press a button and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.click(selector)
        self.settle()

    def log_in(self, user, password):
        self.go('/auth/login/')
        self.page.fill('#id_username', user)
        self.page.fill('#id_password', password)
        self.submit('#loginBtn')

    def choose_action(self, row_text, action):
        """Press an action in the row with this text."""
        row = self.page.locator('table.datatable tbody tr').filter(
            has_text=row_text).first
        button = row.locator('.actions_column').get_by_text(
            action, exact=True)
        if not button.is_visible():
            row.locator('.dropdown-toggle').click()
        button.click()

    def read_confirmation(self):
        """Return the text of the dialog that asks before a deletion."""
        self.page.wait_for_selector('.modal .btn-danger')
        # It fades in.
        self.page.wait_for_timeout(500)
        return self.page.inner_text('.modal .modal-body')

    def confirm(self):
        self.submit('.modal .btn-danger')

    def wait_for_resources(self):
        self.page.wait_for_selector('table[id$=Resource]')
        self.settle()

    def open_tree(self):
        """Show the databases below the project."""
        self.wait_for_resources()
        self.page.click('table[id$=Resource] span.indenter a')

    def tick(self, resource):
        self.page.click(f"tr[resource-id='{resource}'] .cbresource")

    def open_parameters(self, resource):
        self.page.click(f"tr[resource-id='{resource}'] .editparameters")
        self.page.wait_for_selector('#parametersdialog')
        # It takes the focus.
        self.page.wait_for_timeout(500)

    def fill_parameters(self, values):
        for name, value in values.items():
            selector = f'#parametersdialog #id_{name}'
            if value is True:
                self.page.check(selector)
            else:
                self.page.fill(selector, value)

    def save_parameters(self):
        """Press Save with the mouse, after scrolling to the end."""
        self.page.mouse.move(640, 360)
        self.page.mouse.wheel(0, 10000)
        self.page.wait_for_timeout(300)
        box = self.page.locator(
            '#parametersdialog .btn-primary').bounding_box()
        assert box['y'] + box['height'] <= 720, (
            'Save is out of reach of the mouse', box)
        self.page.mouse.click(box['x'] + box['width'] / 2,
                              box['y'] + box['height'] / 2)
        self.page.wait_for_selector('#parametersdialog', state='detached')
