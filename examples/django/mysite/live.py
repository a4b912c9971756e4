"""Websocket that greets its caller."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer


class Live(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.accept()
        scope: Any = self.scope
        await self.send(text_data=f"hello {scope['user'].get_username()}")
