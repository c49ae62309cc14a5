"""Talks to `acadl-lsp` as an editor does, and checks framing and exit codes."""

import json
import subprocess


def frame(message) -> bytes:
    body = (message if isinstance(message, str) else json.dumps(message)).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def serve(data: bytes):
    """Exit code and messages of a server that reads data."""
    done = subprocess.run(["acadl-lsp", "--stdio"], input=data, capture_output=True, timeout=60,
                          check=False)
    answers, rest = [], done.stdout
    while rest:
        header, rest = rest.split(b"\r\n\r\n", 1)
        name, length = header.split(b": ")
        assert name == b"Content-Length", header
        answers.append(json.loads(rest[:int(length)]))
        rest = rest[int(length):]
    return done.returncode, answers


INITIALIZE = frame({"jsonrpc": "2.0", "id": 0, "method": "initialize",
                    "params": {"capabilities": {}}})
SHUTDOWN = frame({"jsonrpc": "2.0", "id": 1, "method": "shutdown"})
EXIT = frame({"jsonrpc": "2.0", "method": "exit"})


def main():
    code, answers = serve(INITIALIZE + SHUTDOWN + EXIT)
    assert code == 0 and [answer["id"] for answer in answers] == [0, 1], answers

    for cut in (1, len(SHUTDOWN) // 2, len(SHUTDOWN) - 1):
        code, answers = serve(INITIALIZE + SHUTDOWN[:cut])
        assert code == 1 and len(answers) == 1, (cut, code, answers)
    assert serve(b"") == (1, [])
    assert serve(INITIALIZE + EXIT)[0] == 1

    # Other header fields, two lengths, no length.
    code, answers = serve(b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n" + INITIALIZE
                          + b"Content-Length: 1\r\n" + SHUTDOWN + EXIT)
    assert code == 0 and len(answers) == 2, answers
    code, answers = serve(b"Content-Length: many\r\n\r\n{}" + INITIALIZE + SHUTDOWN + EXIT)
    assert code == 0 and len(answers) == 2, answers

    # Nested so deep that a recursive parser would overflow the stack.
    code, answers = serve(INITIALIZE + frame("[" * 1_000_000) + SHUTDOWN + EXIT)
    assert code == 0 and answers[1]["error"]["code"] == -32700, answers
    print("framing is right")


if __name__ == "__main__":
    main()
