"""Services of a test's own on loopback: the metadata endpoints that keys come from, STS, a proxy. They keep what they were asked."""
import http.server
import json
import ssl
import threading

REGION = "us-east-1"


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body


class Fake:
    """answer(request) gives (status, body), or (status, body, headers). With tls=(certificate file, key file) it speaks TLS."""

    def __init__(self, answer, tls=None, tls_version=None):
        self.requests = []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def any_method(self):
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(self.command, self.path, self.headers, self.rfile.read(length).decode())
                fake.requests.append(request)
                status, body, *more = answer(request)
                data = body.encode()
                self.send_response(status)
                for name, value in (more[0] if more else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_CONNECT = any_method

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that does not trust us hangs up

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            if tls_version is not None:
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = tls_version
                context.maximum_version = tls_version
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def keys(key_id, secret, token, expires="2099-01-01T00:00:00Z", token_name="Token", **more):
    return json.dumps({"AccessKeyId": key_id, "SecretAccessKey": secret, token_name: token, "Expiration": expires, **more})


def sts_keys(operation, key_id, secret, token, expires="2099-01-01T00:00:00Z"):
    return (f"<{operation}Response><{operation}Result><Credentials><AccessKeyId>{key_id}</AccessKeyId>"
            f"<SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>"
            f"<Expiration>{expires}</Expiration></Credentials></{operation}Result></{operation}Response>")
