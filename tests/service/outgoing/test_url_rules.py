"""An address is read in one way, and refused with a reason where readers could differ."""

import pytest

from service.outgoing.url_rules import UrlRefused, UrlRules, check_url

STRICT, OPEN = UrlRules(), UrlRules(http=True, loopback=True)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM:443/a?b=1", "https://example.com/a?b=1"),
        ("https://example.com?b", "https://example.com/?b"),
        ("https://example.com/a#b", "https://example.com/a"),
        ("https://example.com/a%2Fb/../c", "https://example.com/a%2Fb/../c"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://a.b-c.example.co.uk/", "https://a.b-c.example.co.uk/"),
    ],
)
def test_a_plain_address_is_read(text: str, read: str) -> None:
    assert str(check_url(text, STRICT)) == read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "https://"),
        ("example.com/a", "https://"),
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("http://example.com/", "https://"),
        ("https:///a", "full name"),
        ("https://example.com:8443/", "port 443"),
        ("https://example.com:0/", "port 0"),
        ("https://example.com:99999/", "cannot be read"),
        ("https://user@example.com/", "user name"),
        ("https://user:pass@example.com/", "user name"),
        ("https://@example.com/", "user name"),
        ("https://example.com\\@127.0.0.1/", "backslash"),
        ("https://example.com/a b", "space"),
        (" https://example.com/", "space"),
        ("https://exam\tple.com/", "control"),
        ("https://example.com/\r\nHost: x", "control"),
        ("https://example.com/ä", "%"),
        ("https://intranet/", "full name"),
        ("https://example.com./", "full name"),
        ("https://a_b.example.com/", "full name"),
        ("https://exa%6dple.com/", "full name"),
        ("https://93.184.216.34/", "number"),
        ("https://2130706433/", "number"),
        ("https://0x7f000001/", "number"),
        ("https://0177.0.0.1/", "number"),
        ("https://127.1/", "number"),
        ("https://example.0x7f/", "number"),
        ("https://１２３.1.1.1/", "number"),
        ("https://[2606:4700::1111]/", "number"),
        ("https://[::ffff:127.0.0.1]/", "number"),
        ("https://[fe80::1%25eth0]/", "number"),
        ("https://[::1/", "cannot be read"),
        ("https://localhost/", "itself"),
        ("https://127.0.0.1/", "itself"),
        ("https://[::1]/", "itself"),
        ("https://" + "a" * 70 + ".ü.example/", "not valid"),
        ("https://example.com/" + "a" * 2048, "2,048"),
    ],
)
def test_others_are_refused_with_a_reason(text: str, words: str) -> None:
    with pytest.raises(UrlRefused, match=words):
        check_url(text, STRICT)


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:8123/a", "http://localhost:1/", "https://[::1]:9/"]
)
def test_this_machine_is_allowed_on_any_port_where_it_is(text: str) -> None:
    url = check_url(text, OPEN)
    assert url.loopback and str(url) == text


def test_http_is_allowed_on_its_port_where_it_is() -> None:
    assert str(check_url("http://example.com:80/", OPEN)) == "http://example.com/"
    for text in ("http://example.com:443/", "https://example.com:80/", "http://intranet/"):
        with pytest.raises(UrlRefused):
            check_url(text, OPEN)


def test_a_list_of_hosts_allows_no_other() -> None:
    rules = UrlRules(["Hooks.example.com", ".example.org"])
    for host in ("hooks.example.com", "a.example.org", "b.a.example.org"):
        assert check_url(f"https://{host}/", rules).host == host
    for host in ("example.com", "a.hooks.example.com", "example.org", "badexample.org"):
        with pytest.raises(UrlRefused, match="does not allow"):
            check_url(f"https://{host}/", rules)
