"""Save a picture of a page as Chromium shows it: scripts/screenshot.py URL OUT.png [WIDTH [dark]]."""

import shutil
import sys

from playwright.sync_api import sync_playwright


def screenshot(url: str, path: str, *, width: int = 1280, dark: bool = False) -> None:
    """Save the whole page at `url`, `width` pixels wide, as the PNG file `path`."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        page.goto(url)
        page.screenshot(path=path, full_page=True)
        browser.close()


if __name__ == "__main__":
    screenshot(
        sys.argv[1],
        sys.argv[2],
        width=int(sys.argv[3]) if len(sys.argv) > 3 else 1280,
        dark="dark" in sys.argv[4:],
    )
