"""A guarded Flask application that Prometheus asks for what authmw counts.

Run it:

    pip install "authmw[flask,prometheus]"
    flask --app examples/observability/app run

Then import examples/observability/dashboard.json into Grafana.
"""

from authmw_flask import FlaskAuth, current_principal
from authmw_prometheus import instrument
from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from authmw import Auth, HTTPBearer, Principal

registry = CollectorRegistry()
instrument(registry)


def lookup(token: str) -> Principal | None:
    return Principal("alice") if token == "t0ken" else None


app = Flask(__name__)
FlaskAuth(app, Auth(HTTPBearer(lookup)), public=["GET /metrics"])


@app.get("/orders")
def orders() -> dict[str, str]:
    return {"hello": current_principal().id}


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
