"""Sources: each decodes one outside protocol into events; pure functions of a request."""
