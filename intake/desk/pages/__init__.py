"""A file a page; the table says which address is whose."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from intake.desk.pages import cases, drop, drops, front, search, sources

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGES: Final[tuple[tuple[str, str, Page], ...]] = (
    ("GET", "/", front.show),
    ("GET", "/drops", drops.show),
    ("GET", "/drops/{number:[1-9][0-9]{0,8}}", drop.show),
    ("POST", "/drops/{number:[1-9][0-9]{0,8}}/note", drop.note),
    ("POST", "/drops/{number:[1-9][0-9]{0,8}}/set", drop.say),
    ("POST", "/drops/{number:[1-9][0-9]{0,8}}/check", drop.check),
    ("GET", "/sources", sources.show_all),
    ("GET", "/sources/{number:[1-9][0-9]{0,8}}", sources.show),
    ("GET", "/cases", cases.show_all),
    ("GET", "/cases/{number:[1-9][0-9]{0,8}}", cases.show),
    ("GET", "/people/{number:[1-9][0-9]{0,8}}", cases.show_person),
    ("GET", "/search", search.show),
)
