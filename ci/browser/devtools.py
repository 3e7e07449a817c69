"""A page in headless Chromium, driven through its DevTools pipe: nothing but Python's own library is needed.

A pipe and not a port, so that nobody else can reach the browser and two of them never meet. Everything that the
page asks for from anywhere, and everything that it writes to its console, is kept for the caller to judge.
"""

import base64
import fcntl
import json
import os
import select
import subprocess
import tempfile
import time

PATIENCE = 120
OPTIONS = [
    "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
]


class Page:
    """One tab. Methods that act return when the browser has acted."""

    def __init__(self, browser):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = OPTIONS + [f"--user-data-dir={self.profile.name}"]
        # As root, in a container, Chromium refuses to start with its sandbox.
        if os.getuid() == 0:
            options.append("--no-sandbox")
        # The browser reads from 3 and writes to 4; ours must not stand in the way there.
        theirs_in, self.out = [high(end) for end in os.pipe()]
        self.inp, theirs_out = [high(end) for end in os.pipe()]
        command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self.process = subprocess.Popen(
            ["bash", "-c", command, "bash", browser, *options, "about:blank"],
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.rest, self.number, self.session = b"", 0, None
        self.requests, self.complaints, self.heard = [], [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def close(self):
        os.close(self.out)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.inp)
        self.profile.cleanup()

    def call(self, method, **params):
        """Asks the browser for something and waits for its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def next(self):
        """The next message; events are noted on the way."""
        while b"\0" not in self.rest:
            if not select.select([self.inp], [], [], PATIENCE)[0]:
                raise RuntimeError(f"the browser was silent for {PATIENCE} s")
            read = os.read(self.inp, 1 << 20)
            if not read:
                raise RuntimeError("the browser has ended")
            self.rest += read
        text, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(text)
        self.note(message.get("method"), message.get("params", {}))
        return message

    def note(self, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(" ".join(str(part.get("value", part)) for part in params["args"]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method:
            self.heard.append(method)

    def open(self, url, wide=1280, high=900):
        """Loads a page afresh, in a window of this size; gives back the seconds until it had loaded."""
        self.call("Emulation.setDeviceMetricsOverride", width=wide, height=high, deviceScaleFactor=1, mobile=False)
        # By way of an empty page, since another name behind the # alone loads nothing.
        for place in ["about:blank", url]:
            self.requests, self.complaints, self.heard = [], [], []
            began = time.monotonic()
            self.call("Page.navigate", url=place)
            while "Page.loadEventFired" not in self.heard:
                self.next()
        return time.monotonic() - began

    def run(self, script):
        """The value of an expression in the page, which may be a promise."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']['exception']['description']}")
        return answer["result"].get("value")

    def media(self, kind="", scheme="light"):
        """Renders as for this medium and colour scheme."""
        self.call("Emulation.setEmulatedMedia", media=kind,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def scripts(self, on):
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def place(self, selector):
        """Brings an element into view; its box, as [left, top, width, height] in the window."""
        return self.run(f"""(() => {{ const one = document.querySelector({json.dumps(selector)});
            if (!one) return null; one.scrollIntoView({{block: "center"}});
            const box = one.getBoundingClientRect(); return [box.x, box.y, box.width, box.height]; }})()""")

    def mouse(self, kind, at, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], **more)

    def drag(self, start, end):
        """Presses, moves and lets go, as a hand does."""
        self.mouse("mouseMoved", start)
        self.mouse("mousePressed", start, button="left", clickCount=1)
        for step in range(1, 6):
            at = [a + (b - a) * step / 5 for a, b in zip(start, end)]
            self.mouse("mouseMoved", at, button="left")
        self.mouse("mouseReleased", end, button="left", clickCount=1)

    def click(self, selector):
        box = self.place(selector)
        if not box or not box[2]:
            raise RuntimeError(f"nothing to click at {selector}")
        middle = [box[0] + box[2] / 2, box[1] + box[3] / 2]
        self.mouse("mousePressed", middle, button="left", clickCount=1)
        self.mouse("mouseReleased", middle, button="left", clickCount=1)

    def key(self, key, code=0):
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def picture(self, path, whole=True):
        """Keeps what is shown; with `whole` all of the page and not only the window."""
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))


def high(end):
    """The same end of a pipe under a number that nothing else wants."""
    moved = fcntl.fcntl(end, fcntl.F_DUPFD, 20)
    os.close(end)
    return moved
