"""What is in an HTML page, by the standard library's parser."""

from html.parser import HTMLParser


class Read(HTMLParser):
    """The ids, tags, texts and addresses of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.sections: list[str | None] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.policy = self.style = self.text = ""
        self._within = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.tags.add(tag)
        self._within = tag
        if tag == "section":
            self.sections.append(given["id"])
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        assert "style" not in given
        self.addresses += [given[name] or "" for name in ("src", "href", "action", "srcset", "data") if name in given]

    def handle_data(self, data: str) -> None:
        if self._within == "style":
            self.style += data
        else:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        self._within = ""
