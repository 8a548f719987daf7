"""Who a user is: the account behind an id or a name that a client sends."""
