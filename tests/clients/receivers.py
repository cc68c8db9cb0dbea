"""Hears what Milepost tells: an SMTP server, and HTTP receivers that check what is sent to them as the real ones do.

usage: receivers.py SECRET
The first line says where it listens; then one JSON line for everything that came. `/flaky` answers 503 to the first
attempt at each message, as services do on bad days.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import threading
import time
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.smtp import SMTP

secret = base64.b64decode(sys.argv[1].removeprefix("whsec_"))
lock = threading.Lock()
seen = set()


def tell(**what):
    with lock:
        print(json.dumps(what), flush=True)


class Mailbox:
    async def handle_DATA(self, _server, _session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        tell(
            to="mail",
            id=mail["message-id"],
            thread=mail["references"],
            rcpt=envelope.rcpt_tos,
            subject=mail["subject"],
            text=mail.get_body(("plain",)).get_content(),
            attached={part.get_filename(): len(part.get_content()) for part in mail.iter_attachments()},
        )
        # It has the mail and never says so, as servers do that die just then.
        if "silent@example.com" in envelope.rcpt_tos:
            await asyncio.sleep(3600)
        return "250 OK"


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        what = {"to": self.path.strip("/"), "body": json.loads(body)}
        status = 200
        if self.path in ("/hook", "/flaky"):
            message, at = self.headers["webhook-id"], self.headers["webhook-timestamp"]
            signed = f"{message}.{at}.".encode() + body
            right = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
            given = [part.removeprefix("v1,") for part in self.headers["webhook-signature"].split(" ")]
            what |= {"id": message, "signed": right in given, "fresh": abs(time.time() - int(at)) < 300}
            if self.path == "/flaky" and message not in seen:
                seen.add(message)
                status = 503
        elif self.path == "/gone":
            status = 410
        what["status"] = status
        self.send_response(status)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
        tell(**what)

    def log_message(self, *_):
        pass


async def serve():
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: SMTP(Mailbox(), hostname="localhost"), "127.0.0.1", 0)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    tell(smtp=smtp.sockets[0].getsockname()[1], http=http.server_address[1])
    # Ends with whoever started it.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(serve())
