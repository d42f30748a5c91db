"""Chromium as a reference: its ImageDecoder returns every frame of an animation, in sRGB with alpha."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from playwright.sync_api import Browser

from .case import Rgba
from .witnesses import Unread

_MIME = {
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "ico": "image/x-icon",
    "jpg": "image/jpeg",
}
_ADDRESS = "http://localhost/"  # a secure context, which ImageDecoder requires

_DECODE = """
async ([data, type]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const decoder = new ImageDecoder({ data: bytes, type, premultiplyAlpha: "none" });
    await decoder.completed;
    await decoder.tracks.ready;
    const track = decoder.tracks.selectedTrack;
    const found = [];
    for (let index = 0; index < track.frameCount; index += 1) {
        const { image } = await decoder.decode({ frameIndex: index });
        const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(image, 0, 0);
        const { data: pixels, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
        let text = "";
        for (let at = 0; at < pixels.length; at += 8192) {
            text += String.fromCharCode(...pixels.subarray(at, at + 8192));
        }
        found.push({ width, height, pixels: btoa(text), duration: (image.duration ?? 0) / 1000 });
        image.close();
    }
    return { plays: track.repetitionCount, frames: found };
}
"""


_DECODE_STILL = """
async ([data, type]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type }));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const { data: pixels, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    return { width, height, pixels: btoa(String.fromCharCode(...pixels)) };
}
"""


class Chromium:
    """A page in an open browser."""

    def __init__(self, browser: Browser) -> None:
        self._page = browser.new_page()
        self._page.route(
            "**/*", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html")
        )
        self._page.goto(_ADDRESS)

    def frames(self, data: bytes, suffix: str) -> Sequence[tuple[Rgba, float]]:
        """Return each frame and its duration in milliseconds."""
        told = self._told(_DECODE, data, suffix)
        return [(_pixels(frame), float(frame["duration"])) for frame in told["frames"]]

    def still(self, data: bytes, suffix: str) -> Rgba:
        """Return a small picture as a page would show it."""
        return _pixels(self._told(_DECODE_STILL, data, suffix))

    def _told(self, script: str, data: bytes, suffix: str) -> Any:
        try:
            return self._page.evaluate(script, [b64encode(data).decode(), _MIME[suffix]])
        except Exception as exc:
            raise Unread(str(exc)[:200]) from exc


def _pixels(frame: Any) -> Rgba:
    octets = np.frombuffer(b64decode(frame["pixels"]), np.uint8)
    return octets.reshape(frame["height"], frame["width"], 4)
