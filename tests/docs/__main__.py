"""`make docs`: write what is generated in README.md, FAULTS.md and the handbook anew. Imports no torch."""

from tests.docs.pages import regenerate
from tests.docs.places import PAGES, ROOT


def main() -> None:
    """Rewrite every page whose generated parts are stale, and say which."""
    for path in PAGES:
        old = path.read_text()
        if (new := regenerate(old)) != old:
            path.write_text(new)
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
