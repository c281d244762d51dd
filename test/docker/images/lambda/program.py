"""Asks for events over the Runtime API as Amazon's clients do; each event says what is done with it."""

import http.client
import json
import os
import sys
import time

HOST = os.environ["AWS_LAMBDA_RUNTIME_API"]
calls = 0


def ask(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(HOST)
    connection.request(method, "/2018-06-01/runtime/" + path, body, headers)
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def stream(path):
    """In pieces, with the head of an HTTP answer before them."""
    connection = http.client.HTTPConnection(HOST)
    connection.putrequest("POST", "/2018-06-01/runtime/" + path)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    connection.putheader("Content-Type", "application/vnd.awslambda.http-integration-response")
    connection.endheaders()
    for piece in [b'{"statusCode": 201, "headers": {"x-from": "image"}}' + bytes(8), b"first ", b"second"]:
        connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    connection.send(b"0\r\n\r\n")
    connection.getresponse().read()


def run(event, headers, id):
    do = event.get("do") if isinstance(event, dict) else None
    if do == "exit":
        print("going")
        os._exit(event["code"])
    if do == "sleep":
        time.sleep(event["seconds"])
    if do == "print":
        print(event["text"])
        print(event["text"], file=sys.stderr)
    if do == "fail":
        error = {"errorType": "Bad", "errorMessage": event["message"], "stackTrace": ["line 1"]}
        return ask("POST", "invocation/%s/error" % id, json.dumps(error))
    if do == "memory":
        bytearray(event["mib"] << 20)
    if do == "stream" or (isinstance(event, dict) and event.get("rawPath") == "/stream"):
        return stream("invocation/%s/response" % id)
    names = ["_HANDLER", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "OWN"]
    answer = {"event": event, "calls": calls, "argv": sys.argv[1:], "cwd": os.getcwd(), "headers": headers}
    answer["env"] = {name: os.environ.get(name) for name in names}
    ask("POST", "invocation/%s/response" % id, json.dumps(answer))


mode = os.environ.get("START")
print("starting")
if mode == "exit":
    sys.exit(7)
if mode == "error":
    print("cannot load", file=sys.stderr)
    ask("POST", "init/error", json.dumps({"errorType": "Runtime.ImportModuleError", "errorMessage": "no module app"}))
    sys.exit(1)
if mode == "never":
    time.sleep(600)

while True:
    status, headers, body = ask("GET", "invocation/next")
    calls += 1
    run(json.loads(body), headers, headers["lambda-runtime-aws-request-id"])
