"""The client on curl: a quarter of aiohttp's CPU. Needs pycurl, and Linux's epoll."""
