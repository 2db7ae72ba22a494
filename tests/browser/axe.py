"""What axe-core, the checker that accessibility audits go by, finds on a page. It comes in a package: no network."""

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

SCRIPT = Path(axe_playwright_python.__file__).with_name("axe.min.js")

OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that another theme may break."""

FINDINGS = """async (rules) => {
  const { violations } = await axe.run({ resultTypes: ["violations"], ...(rules.length ? { runOnly: rules } : {}) });
  const said = (id, { target, failureSummary }) => `${id}: ${target} ${failureSummary}`;
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => said(id, node)));
}"""


def bring_axe(page: Page) -> None:
    """Until the page is loaded again."""
    page.evaluate(SCRIPT.read_text(encoding="utf-8"))


def findings(page: Page, *rules: str) -> list[str]:
    """What is wrong with what can be seen of it now, by these rules; by all of them where none is named."""
    found: list[str] = page.evaluate(FINDINGS, list(rules))
    return found
