"""Sources: each decodes one outside protocol into events; pure functions of bytes, headers and a receive time."""
