// What Swagger UI sends, as a browser can send it.

/** What prepares each request of Swagger UI for the API of `description`. */
export function preparing(description) {
  const takesBasic = describesBasic(description);
  return (request) => {
    // It says nothing here, and would be asked leave for at every authorization server (Fetch §3.2.2).
    delete request.headers?.["X-Requested-With"];
    if (request.loadSpec) {
      return request; // a part of the document
    }
    const cookies = request.headers?.Cookie;
    const target = new URL(request.url, location.href);
    if (cookies && target.origin === location.origin) {
      request.userFetch = withCookies(cookies.split("; "), target);
    } else if (takesBasic || request.credentials === undefined) {
      request.credentials = "omit"; // undefined for token endpoints, which challenge clients by Basic
    }
    return request;
  };
}

// To a challenge by Basic a browser answers with a dialog of its own, which would hide the 401 that the page is there to
// show. It does not where it may send no credentials of its own, which cookies are, too. Digest is left to the dialog:
// nobody else here can answer that challenge.
function describesBasic(description) {
  const schemes = description.components?.securitySchemes ?? description.securityDefinitions ?? {};
  return Object.values(schemes).some(
    ({ type, scheme }) => type === "basic" || (type === "http" && /^basic$/i.test(scheme)),
  );
}

// No script may set the Cookie header, so each cookie is there while its request is under way: for this origin, this
// path and this site. Nothing of it is left afterwards, and there is nothing to forget at log-out.
function withCookies(pairs, target) {
  return async (url, options) => {
    const written = pairs.map((pair) => write(pair, target));
    try {
      return await fetch(url, options);
    } finally {
      written.forEach((remove) => remove());
    }
  };
}

function write(pair, target) {
  const name = pair.split("=")[0];
  const directory = target.pathname.split(";")[0].replace(/[^/]*$/, "");
  // RFC 6265bis §4.1.3: __Host- needs the path /, and it and __Secure- need Secure.
  const path = name.startsWith("__Host-") ? "/" : directory.replace(/(?<=.)\/$/, "");
  const secure = target.protocol === "https:" || name.startsWith("__") ? "; secure" : "";
  const attributes = `; path=${path}; samesite=strict${secure}`;
  document.cookie = pair + attributes;
  return () => {
    document.cookie = `${name}=${attributes}; max-age=0`;
  };
}
