"""A visitor without a browser: a session of the app by its websocket, which asks for pages and brings files."""

import asyncio
import itertools
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


class Visit:
    """A session, opened when it is needed; it knows itself and the uploaders of the page that it sees."""

    def __init__(self, host: str) -> None:
        self.host, self.session, self.uploader = host, "", ""
        self._socket: ClientConnection | None = None
        self._numbers = itertools.count()

    def asking(self, page: str, query: str = "", widgets: Mapping[str, Any] | None = None) -> bytes:
        """Return the message that asks for a page, with what its controls say."""
        asks = BackMsg()
        asks.rerun_script.page_name, asks.rerun_script.query_string = page, query
        for key, value in (widgets or {}).items():
            state = asks.rerun_script.widget_states.widgets.add(id=key)
            if isinstance(value, list):
                state.int_array_value.data.extend(value)
            elif isinstance(value, bytes):
                state.bytes_value = value
            elif isinstance(value, float):
                state.double_value = value
            else:
                state.string_value = value
        return asks.SerializeToString()

    async def said(self, message: bytes) -> str:
        """Send a message; return what came of it: "page", "traceback", "nothing" or "closed"."""
        try:
            socket = await self._open()
            await socket.send(message)
            if asks_for_page(message):
                return await self._page(socket)
            await self.place("picture.png")  # which is answered after whatever came before
            return "nothing"
        except ConnectionClosed:
            self._socket = None
            return "closed"

    async def _open(self) -> ClientConnection:
        if self._socket is None:
            url, origin = f"ws://{self.host}/_stcore/stream", f"http://{self.host}"
            self._socket = await connect(url, origin=origin, subprotocols=["streamlit"], max_size=None)
        return self._socket

    async def _page(self, socket: ClientConnection) -> str:
        came = "page"
        while True:
            message = ForwardMsg.FromString(await socket.recv())
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.session = message.new_session.initialize.session_id
            elif kind == "script_finished":
                return came
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                came = "traceback" if element.WhichOneof("type") == "exception" else came
                self.uploader = element.file_uploader.id or self.uploader

    async def place(self, name: str) -> Any:
        """Return where a file of this name may be put, as the server says."""
        asks, number = BackMsg(), str(next(self._numbers))
        asks.file_urls_request.request_id, asks.file_urls_request.session_id = number, self.session
        asks.file_urls_request.file_names.append(name)
        socket = await self._open()
        await socket.send(asks.SerializeToString())
        while True:
            message = ForwardMsg.FromString(await socket.recv())
            if message.file_urls_response.response_id == number:
                return message.file_urls_response.file_urls[0]

    async def end(self) -> None:
        """End the session."""
        if self._socket:
            await self._socket.close()


def asks_for_page(message: bytes) -> bool:
    """Tell whether a message makes the server run a page."""
    try:
        asks = BackMsg.FromString(message)
    except DecodeError:
        return False
    return asks.WhichOneof("type") == "rerun_script" and not asks.rerun_script.fragment_id


async def uploaded(visit: Visit, page: str, query: str, content: bytes) -> str:
    """Bring a file to the uploader of a page; return what came of it, as `Visit.said`."""
    if not visit.uploader and (came := await visit.said(visit.asking(page, query))) != "page":
        return came
    try:
        place = await visit.place("picture.png")
    except ConnectionClosed:
        return "closed"
    status = await asyncio.to_thread(put, f"http://{visit.host}{place.upload_url}", content)
    if status >= 300:
        return str(status)
    asks = BackMsg.FromString(visit.asking(page, query))
    state = asks.rerun_script.widget_states.widgets.add(id=visit.uploader)
    file = state.file_uploader_state_value.uploaded_file_info.add(name="picture.png", size=len(content))
    file.file_id = place.file_id
    file.file_urls.CopyFrom(place)
    return await visit.said(asks.SerializeToString())


def put(address: str, content: bytes) -> int:
    """Put a file where the server said, as a form of one part; return the status of the answer."""
    token, edge = generate_xsrf_token_string(), "edge-of-the-form"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="f"; filename="picture.png"\r\n\r\n'.encode()
    told = {"Content-Type": f"multipart/form-data; boundary={edge}", "X-Xsrftoken": token}
    told["Cookie"] = f"_streamlit_xsrf={token}"
    body = head + content + f"\r\n--{edge}--\r\n".encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, told, method="PUT"), timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
