"""A DNS server on UDP that answers each name as badly as the name says."""

import socket
import threading
from collections.abc import Callable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Answer = Callable[[dns.message.QueryMessage], dns.message.Message | bytes | None]
GOOD = "127.0.0.1"
METADATA = "169.254.169.254"
TTL_S = 0


class DnsServer:
    """Answers in a thread for as long as the process lives."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {
            "good": addresses(GOOD),
            "nxdomain": code(dns.rcode.NXDOMAIN),
            "servfail": code(dns.rcode.SERVFAIL),
            "refused": code(dns.rcode.REFUSED),
            "empty": addresses(),
            "loop": _loop,
            "silent": lambda _: None,
            "garbled": _garbled,
            "mixed": addresses(GOOD, METADATA),
            "six": addresses("::ffff:10.0.0.1", "64:ff9b::7f00:1"),
            "rebound": addresses(GOOD),
        }
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(address)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            received, sender = self._socket.recvfrom(4_096)
            query = dns.message.from_wire(received)
            assert isinstance(query, dns.message.QueryMessage)
            name = query.question[0].name.to_text().removesuffix(".test.")
            self.asked.append(name)
            answer = self.answers[name](query)
            if answer is not None:
                self._socket.sendto(
                    answer if isinstance(answer, bytes) else answer.to_wire(max_size=4_096), sender
                )


def addresses(*texts: str) -> Answer:
    """Return what answers with those of the addresses that are of the kind that is asked for."""

    def answer(query: dns.message.QueryMessage) -> dns.message.Message:
        reply = _reply(query)
        kind = query.question[0].rdtype
        wanted = [text for text in texts if (":" in text) == (kind == dns.rdatatype.AAAA)]
        if wanted and kind in {dns.rdatatype.A, dns.rdatatype.AAAA}:
            reply.answer.append(
                dns.rrset.from_text(query.question[0].name, TTL_S, "IN", dns.rdatatype.to_text(kind), *wanted)
            )
        return reply

    return answer


def code(number: dns.rcode.Rcode) -> Answer:
    """Return what answers with this code and nothing else."""

    def answer(query: dns.message.QueryMessage) -> dns.message.Message:
        reply = _reply(query)
        reply.set_rcode(number)
        return reply

    return answer


def _reply(query: dns.message.QueryMessage) -> dns.message.Message:
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.RA
    return reply


def _loop(query: dns.message.QueryMessage) -> dns.message.Message:
    reply = _reply(query)
    here, there = query.question[0].name, dns.name.from_text("loop2.test.")
    for name, target in ((here, there), (there, here)):
        reply.answer.append(dns.rrset.from_text(name, TTL_S, "IN", "CNAME", target.to_text()))
    return reply


def _garbled(query: dns.message.QueryMessage) -> bytes:
    """Return an answer that breaks off in its second section."""
    return addresses(GOOD)(query).to_wire()[:-3]  # type: ignore[union-attr]  # it makes a message
