"""What axe-core, the checker that accessibility audits go by, finds on a page. It comes in a package: no network."""

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

SCRIPT = Path(axe_playwright_python.__file__).with_name("axe.min.js")

FINDINGS = """async () => {
  const { violations } = await axe.run({ resultTypes: ["violations"] });
  const said = (id, { target, failureSummary }) => `${id}: ${target} ${failureSummary}`;
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => said(id, node)));
}"""


def bring_axe(page: Page) -> None:
    """Until the page is loaded again."""
    page.evaluate(SCRIPT.read_text(encoding="utf-8"))


def findings(page: Page) -> list[str]:
    """What is wrong with what can be seen of it now."""
    found: list[str] = page.evaluate(FINDINGS)
    return found
