"""What a page of somebody else's can do by sending a source's browser here: nothing.

The browser leaves the visit's cookie out then (SameSite=Strict), and says that another site asked.
"""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer
from webside import web_side

BY_ANOTHER = {"Sec-Fetch-Site": "cross-site"}
OF_OURS = [{}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}]
BEGIN = [("GET", "/codename"), ("GET", "/return"), ("GET", "/fa/return")]
END = [("POST", "/leave/whatever"), ("GET", "/mailbox/closed")]


def asked(method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    """Return status and headers of the answer."""

    async def ask() -> tuple[int, dict[str, str]]:
        async with (
            TestClient(TestServer(web_side())) as client,
            client.request(method, path, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status, dict(answer.headers)

    return asyncio.run(ask())


@pytest.mark.parametrize(("method", "path"), BEGIN + END)
def test_it_neither_begins_a_visit_nor_ends_one(method: str, path: str) -> None:
    status, headers = asked(method, path, BY_ANOTHER)

    assert status == 303
    assert headers["Location"] == ("/fa" if path.startswith("/fa") else "/")
    assert "Set-Cookie" not in headers
    assert "Clear-Site-Data" not in headers


@pytest.mark.parametrize("headers", OF_OURS)
def test_the_source_does_both(headers: dict[str, str]) -> None:
    assert all("Set-Cookie" in asked(*each, headers)[1] for each in BEGIN)
    assert all("Clear-Site-Data" in asked(*each, headers)[1] for each in END)


def test_a_link_from_elsewhere_leads_to_the_first_page() -> None:
    status, headers = asked("GET", "/", BY_ANOTHER)

    assert status == 200
    assert "Set-Cookie" not in headers
