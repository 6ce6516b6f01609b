"""A real server over a small seeded library, for tests of tools that talk to Civitai or Pinako. Offline, with faults to order.

    # conftest.py
    pytest_plugins = ["pinako.testing.plugin"]

    # test_my_tool.py
    def test_my_tool_waits(pinako_server):
        pinako_server.faults.answer(429, retry_after=1)
        my_tool.run(pinako_server.url, key=pinako_server.owner_key)
        assert pinako_server.faults.requests[0].path == "/api/v1/images"

Without pytest, `make_library` and `start_server` do the same. Needs the `server` extra.
"""

from pinako.testing.clock import MovableClock
from pinako.testing.faults import Faults, Seen

try:
    from pinako.testing.server import TestServer, copy_library, make_library, start_server
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"pinako.testing needs the 'server' extra ({error.name} is missing): pip install 'pinako[server]'"
    ) from error

__all__ = ["Faults", "MovableClock", "Seen", "TestServer", "copy_library", "make_library", "start_server"]
