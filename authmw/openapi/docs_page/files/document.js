// The document: fetched, and its relative URLs resolved, since Swagger UI resolves some against the root of the host.
const REASONS = {
  401: "is for people who are logged in (401). Log in, and load this page again.",
  403: "is not for you (403).",
  404: "is not where this page looks for it (404).",
  429: "was asked for too often (429). Try again in a while.",
  503: "is not available at the moment (503). Try again in a while.",
};

/** Where the document is, what it says, and whether it leaves the server to us; fails with a sentence for people. */
export async function load(url, root) {
  const answer = await fetch(url, { headers: { accept: "application/json" } }).catch(() => {
    throw new Error("The server of the OpenAPI document cannot be reached. Try again in a while.");
  });
  if (!answer.ok) {
    throw new Error(`The OpenAPI document ${REASONS[answer.status] ?? `cannot be loaded (${answer.status}).`}`);
  }
  const description = await answer.json().catch(() => {
    throw new Error("The OpenAPI document cannot be read: it is not JSON.");
  });
  const base = { document: answer.url, root: new URL(root, location.href).href };
  const ownServer = !description.swagger && !description.servers?.length;
  const placed = description.swagger ? inSwagger(description, base) : inOpenAPI(description, base);
  return { url: answer.url, description: placed, ownServer };
}

// OpenAPI 3.1.1 §4.6: what is relative is so to the server, and the server to the document. Swagger UI does the former
// itself, once servers are whole and end like the directories they are. A document without servers means this API.
function inOpenAPI(description, base) {
  const places = [description];
  for (const item of Object.values(description.paths ?? {})) {
    places.push(item, ...Object.values(item ?? {}));
  }
  for (const place of places) {
    for (const server of Array.isArray(place?.servers) ? place.servers : []) {
      server.url = directory(server.url, base.document);
    }
  }
  if (!description.servers?.length) {
    description.servers = [{ url: base.root }];
  }
  return description;
}

// Swagger 2.0 has one server, in pieces, and Swagger UI resolves the URLs of flows against the document.
function inSwagger(description, base) {
  const here = new URL(base.root);
  if (!description.host && (description.basePath ?? "/") === "/") {
    description.basePath = here.pathname;
  }
  const scheme = description.schemes?.[0] ?? here.protocol.slice(0, -1);
  const api = directory(description.basePath, `${scheme}://${description.host ?? here.host}`);
  for (const scheme of Object.values(description.securityDefinitions ?? {})) {
    for (const name of ["authorizationUrl", "tokenUrl"]) {
      if (scheme[name]) {
        scheme[name] = new URL(scheme[name], api).href;
      }
    }
  }
  return description;
}

function directory(url, base) {
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(url) ? url : withVariables(new URL(url, base).href);
  return whole.endsWith("/") ? whole : `${whole}/`;
}

// The braces of server variables, which no URL may have.
function withVariables(url) {
  return url.replaceAll("%7B", "{").replaceAll("%7D", "}");
}
