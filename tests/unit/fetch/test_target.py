"""URLs are read in one way or not at all."""

import pytest

from service.errors import UrlRefused
from service.fetch.target import Target, is_url


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.org", Target("https", "example.org", 443, "/")),
        (" HTTPS://Example.ORG./a.jpg\n", Target("https", "example.org", 443, "/a.jpg")),
        ("http://example.org:8080/a?b=c&d#e", Target("http", "example.org", 8080, "/a?b=c&d")),
        ("https://my_bucket.s3.example/%C3%BC?X-Signature=a%2Fb", None),
        ("https://bücher.example/ü", Target("https", "xn--bcher-kva.example", 443, "/%C3%BC")),
        ("https://ⓔⓧⓐⓜⓟⓛⓔ.org/a b", Target("https", "example.org", 443, "/a%20b")),
        ("https://8.8.8.8/", Target("https", "8.8.8.8", 443, "/")),
        ("https://[2606:4700:4700:0:0:0:0:1111]/", Target("https", "2606:4700:4700::1111", 443, "/")),
    ],
)
def test_a_url_is_taken_apart_and_written_in_one_way(url: str, target: Target | None) -> None:
    parsed = Target.parse(url)
    assert f"{parsed.origin}{parsed.path}" == url if target is None else parsed == target


@pytest.mark.parametrize(
    "url",
    [
        *("", "photo.jpg", "/photo.jpg", "//example.org/", "https:///photo.jpg", "https:example.org", "https://"),
        *("ftp://example.org/", "file:///etc/hostname", "data:image/png;base64,AAAA", "gopher://example.org/"),
        *("https://user@example.org/", "https://user:secret@example.org/", "https://@example.org/"),
        *("https://example.org:0x50/", "https://example.org:99999/", "https://example.org:-1/", "https://[::1/"),
        *("https://exa mple.org/", "https://example.org\\@other.example/", "https://exam\tple.org/", "https://a\x00b/"),
        *("https://exam%70le.org/", "https://-a.example/", "https://a..example/"),
        *(f"https://{'a' * 64}.example/", f"https://example.org/{'a' * 9000}", "https://../", "https://./"),
        *("https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://0/"),
        *("https://127.0.0.1.5/", "https://0x7f.0.0.1/", "https://127.0.0.0x1/", "https://1.2.3.08/", "https://a.1/"),
        *("https://[fe80::1%25lo]/", "https://[fe80::1%lo]/", "https://[::1%25]/", "https://[v1.a]/", "https://[a]/"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        Target.parse(url)


@pytest.mark.parametrize(
    "host", ["①②⑦.⓪.⓪.①", "127。0。0。1", "127\uff0e0\uff0e0\uff0e1", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]"]
)
def test_an_address_in_other_characters_is_the_address(host: str) -> None:
    assert Target.parse(f"https://{host}/").host in ("127.0.0.1", "::ffff:7f00:1", "::1", "::ffff:127.0.0.1")


@pytest.mark.parametrize("netloc", ["example.org", "example.org:8443", "[2606:4700::1111]", "[2606:4700::1111]:8443"])
def test_the_host_header_has_a_port_only_where_it_is_not_the_usual_one(netloc: str) -> None:
    assert Target.parse(f"https://{netloc}/").netloc == netloc
    assert Target.parse("https://example.org:443/").netloc == "example.org"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("b.jpg", "https://example.org/a/b.jpg"),
        ("/b.jpg?c", "https://example.org/b.jpg?c"),
        ("//other.example/b.jpg", "https://other.example/b.jpg"),
        ("https://other.example:8443/", "https://other.example:8443/"),
        ("?page=2", "https://example.org/a/?page=2"),
    ],
)
def test_redirects_are_relative_to_where_they_come_from(location: str, url: str) -> None:
    target = Target.parse("https://example.org/a/").redirected(location)
    assert f"{target.origin}{target.path}" == url


@pytest.mark.parametrize(
    "location", ["http://example.org/", "https://user@example.org/", "file:///etc/hostname", "//[::1", "https://127.1/"]
)
def test_redirects_to_worse_are_refused(location: str) -> None:
    with pytest.raises(UrlRefused):
        Target.parse("https://example.org/").redirected(location)


def test_from_http_a_redirect_may_lead_to_either() -> None:
    origin = Target.parse("http://example.org/")
    assert [origin.redirected(f"{scheme}://a.example/").scheme for scheme in ("http", "https")] == ["http", "https"]


@pytest.mark.parametrize("text", ["https://example.org/a.jpg", "HTTP://example.org", "https:/a", "http:"])
def test_what_begins_like_a_url_is_taken_for_one(text: str) -> None:
    assert is_url(text)


@pytest.mark.parametrize("text", ["", "httpAAAA", "data:image/png;base64,AAAA", "/tmp/http:/a.png", "file:///a.png"])
def test_base64_and_paths_are_not_taken_for_urls(text: str) -> None:
    assert not is_url(text)
