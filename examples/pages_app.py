"""Pages in a browser that log in: their tokens are in cookies that no script can read, and no other site can use.

    authmw users create alice --scope orders:read
    python examples/pages_app.py

Then open http://127.0.0.1:8000/ and log in. Anywhere but on loopback it has to be https.
"""

from __future__ import annotations

import os
from pathlib import Path

from authmw_sqlalchemy import SQLStores
from authmw_starlette import AuthMiddleware, token_routes
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount, Route

from authmw import Auth, HTTPBearer, KeyRing, current_principal, public, requires_scopes
from authmw.oauth2 import CookieMode, TokenService, token_cookie

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Orders</title>
<form id="login">
  <label>Name <input name="username" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Log in</button>
</form>
<button id="logout">Log out</button>
<pre id="orders"></pre>
<script>
  const post = (path, body) => fetch("/auth" + path, {method: "POST", body});
  const form = document.getElementById("login"), shown = document.getElementById("orders");

  async function show() {
    let answer = await fetch("/orders");
    // The access token lives for minutes. The refresh token, in a cookie of its own, brings the next one.
    if (answer.status == 401 && (await post("/refresh")).ok) answer = await fetch("/orders");
    shown.textContent = answer.ok ? JSON.stringify(await answer.json()) : "Nobody is logged in.";
  }
  form.onsubmit = async (event) => {
    event.preventDefault();
    const answer = await post("/login", new URLSearchParams(new FormData(form)));
    if (answer.ok) { form.reset(); await show(); } else shown.textContent = "That is not the password.";
  };
  document.getElementById("logout").onclick = async () => { await post("/logout"); await show(); };
  show();
</script>
"""


@public
async def index(request: Request) -> HTMLResponse:
    return HTMLResponse(PAGE)


@requires_scopes("orders:read")
async def orders(request: Request) -> JSONResponse:
    return JSONResponse({"orders": ["tea", "cake"], "for": current_principal().id})


def create_app(
    database: str = "sqlite:///app.db", keys: str | Path = "keys.json", url: str = "http://127.0.0.1:8000"
) -> Starlette:
    service = TokenService(
        issuer=f"{url}/auth",
        audience="orders",
        stores=SQLStores(database),
        keys=KeyRing.load(keys, create=True),
        cookies=CookieMode([url]),
    )
    auth = Auth(HTTPBearer(service.verifier()) | token_cookie(service), realm="orders")
    return Starlette(
        routes=[Route("/", index), Route("/orders", orders), Mount("/auth", routes=token_routes(service))],
        middleware=[Middleware(AuthMiddleware, auth=auth)],
    )


if __name__ == "__main__":
    import uvicorn

    port = int(os.environ.get("PORT", "8000"))
    uvicorn.run(create_app(url=f"http://127.0.0.1:{port}"), host="127.0.0.1", port=port)
