"""The site in a real browser: it renders, search finds, nothing is requested from elsewhere, no console error, axe finds nothing.

Skipped, with the reason, where Chromium, its driver, selenium or axe-core is not installed; `tools/install_browser.sh` installs them.
"""

import json
import shutil
import threading
from pathlib import Path

import pytest

AXE = Path(__file__).parents[2] / "build" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
PAGES = (
    "index", "talks/2022-11-24", "talks/2022-02-10b", "talks/2023-04-13", "talks/2027-02-04", "speakers/index", "speakers/dan-murfet",
    "areas/A3", "series/jet-schemes", "references", "problems", "polynomial", "atlas/index", "atlas/dln",
)  # fmt: skip


def find_missing():
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    try:
        import selenium  # noqa: F401
    except ImportError:
        missing.append("selenium")
    return missing + ([] if AXE.is_file() else ["axe-core"])


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(find_missing()), reason=f"not installed: {', '.join(find_missing())}; run tools/install_browser.sh to un-skip"),
]


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(60)
    driver.set_script_timeout(60)
    yield driver
    driver.quit()


def resize(browser, size, scheme="light"):
    width, height = SIZES[size]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})


def wait(browser, condition, seconds=20):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, seconds, poll_frequency=0.1).until(condition)


def visit(browser, address):
    for log in ("browser", "performance"):
        browser.get_log(log)  # what axe fetched on the page before is not this page's
    browser.get(address)
    wait(browser, lambda b: b.execute_script("return document.readyState") == "complete")


def read_requests(browser):
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def find_errors(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


@pytest.fixture(scope="module")
def server(built):
    from germ.seminar.server import SiteServer, WorkerPool

    server = SiteServer(built.folder, 0, WorkerPool(2, 30.0))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", PAGES)
def test_page_renders_from_a_file_without_errors_or_requests(built, browser, page, size):
    resize(browser, size)
    visit(browser, f"file://{built.folder}/{page}.html")
    assert find_errors(browser) == []
    assert all(url.startswith(("file://", "data:", "about:", "blob:", "chrome:")) for url in read_requests(browser))
    assert browser.execute_script("return document.querySelectorAll('h1').length") == 1
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out sideways"
    broken = "return [...document.images].filter(i => (i.loading = 'eager', i.complete) && i.naturalWidth === 0).length"
    assert browser.execute_script(broken) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing(built, browser, page, scheme):
    resize(browser, "desktop", scheme)
    visit(browser, f"file://{built.folder}/{page}.html")
    assert browser.execute_script("return document.body.dataset.mdColorScheme") == {"light": "default", "dark": "slate"}[scheme]
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script("axe.run().then(arguments[0])")
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]] == []
    assert len(found["passes"]) > 15, "axe did look"


def test_search_finds_from_a_file(built, browser):
    from selenium.webdriver.common.by import By

    resize(browser, "desktop")
    visit(browser, f"file://{built.folder}/index.html")
    browser.execute_script("document.querySelector('[data-md-toggle=search]').click()")
    browser.find_element(By.CSS_SELECTOR, "input.md-search__input").send_keys("Kraft")
    selector = ".md-search-result__link"
    links = wait(browser, lambda b: [e.get_attribute("href") for e in b.find_elements(By.CSS_SELECTOR, selector)])
    assert any("talks/2022-10-06.html" in link for link in links)
    assert find_errors(browser) == []


def test_search_shows_hostile_titles_as_text(built, browser):
    from hostile import HOSTILE
    from selenium.webdriver.common.by import By

    resize(browser, "desktop")
    visit(browser, f"file://{built.folder}/index.html")
    browser.execute_script("document.querySelector('[data-md-toggle=search]').click()")
    browser.find_element(By.CSS_SELECTOR, "input.md-search__input").send_keys("braces")
    headings = wait(browser, lambda b: [e.text for e in b.find_elements(By.CSS_SELECTOR, ".md-search-result__article h1") if e.text])
    assert HOSTILE in headings
    visit(browser, f"file://{built.folder}/talks/2027-02-04.html")
    assert browser.find_element(By.TAG_NAME, "h1").text == HOSTILE
    assert browser.title.startswith(HOSTILE)
    assert find_errors(browser) == []


def test_keyboard_reaches_the_content(built, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    resize(browser, "desktop")
    visit(browser, f"file://{built.folder}/talks/2022-11-24.html")
    body = browser.find_element(By.TAG_NAME, "body")
    reached = []
    for _ in range(140):
        body.send_keys(Keys.TAB) if not reached else browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(
            browser.execute_script("const e = document.activeElement; return e.getAttribute('href') || e.getAttribute('aria-label') || ''")
        )
    assert "https://youtu.be/8g6dZZ7lWGk" in reached
    assert "Claims" in reached, "a table that scrolls can be reached"


def test_without_a_server_there_is_the_gallery(built, browser):
    from selenium.webdriver.common.by import By

    resize(browser, "desktop")
    visit(browser, f"file://{built.folder}/polynomial.html")
    assert not browser.find_element(By.ID, "polynomial").is_displayed()
    assert len(browser.find_elements(By.CSS_SELECTOR, ".gallery figure")) == 10
    assert "λ = 5/12, m = 1" in browser.find_element(By.CSS_SELECTOR, ".gallery").text


def test_polynomials_are_computed_by_the_server(server, browser):
    from selenium.webdriver.common.by import By

    resize(browser, "desktop")
    visit(browser, f"{server.address}polynomial.html")
    field = browser.find_element(By.ID, "polynomial-input")
    answer = browser.find_element(By.ID, "polynomial-answer")
    for text, expected in (("x^2*y^2", "λ = 1/2, m = 2"), ("x^6 + y^6", "λ = 1/3, m = 1")):
        field.clear()
        field.send_keys(text + "\n")
        wait(browser, lambda b, expected=expected: expected in answer.text, 40)
        wait(
            browser,
            lambda b: b.execute_script("const i = document.querySelector('#polynomial-answer img'); return i && i.naturalWidth > 0"),
        )
    assert find_errors(browser) == []
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script("axe.run().then(arguments[0])")
    assert [v["id"] for v in found["violations"]] == []
    assert all(url.startswith((server.address, "data:")) for url in read_requests(browser) if not url.startswith("file:"))
    field.clear()
    field.send_keys("x^2 +\n")
    wait(browser, lambda b: "warning" in answer.get_attribute("innerHTML"))
    assert "λ" not in answer.text
