"""Where the pages lie that users read."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "office31_cli"
GUIDE = PACKAGE / "guide"
README = ROOT / "README.md"
TOPICS = tuple(sorted(GUIDE.glob("*.md")))
PAGES = (README, *(ROOT / f"{name}.md" for name in ("CHANGELOG", "FAULTS", "SECURITY")), *TOPICS)
