"""Where the sockets of all connections come from."""

import socket

new_socket = socket.socket
