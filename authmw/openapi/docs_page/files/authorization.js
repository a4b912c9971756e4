// What Authorize does otherwise than Swagger UI by itself: a state that cannot be guessed and has to come back, and
// a memory that ends with the tab and holds no password that was changed for a token.
const KEY = `authmw ${location.pathname}`;

/** A plugin for Swagger UI, and what puts back what was authorized before the page was loaded again. */
export function authorization({ persist, description }) {
  const remember = (_, system) => () => {
    if (persist) {
      keep(system.authSelectors.authorized().toJS());
    }
  };
  if (!persist) {
    sessionStorage.removeItem(KEY);
  }
  return {
    plugin: {
      statePlugins: {
        auth: {
          wrapActions: { authPopup: popup, persistAuthorizationIfNeeded: remember, showDefinitions: fromTheTop },
        },
      },
    },
    restore: (ui) => ui.authActions.restoreAuthorization({ authorized: persist ? kept(description) : {} }),
  };
}

// The authorization server's page, in a window that cannot reach this one, nor is reached by it.
function popup() {
  return (url, { auth, redirectUrl, callback, errCb }) => {
    const fail = (message) => errCb({ authId: auth.name, source: "auth", level: "error", message });
    const state = unguessable();
    const target = new URL(url, location.href);
    target.searchParams.set("state", state);
    const channel = new BroadcastChannel(`authmw ${new URL(redirectUrl).pathname}`);
    const opened = window.open("about:blank");
    if (!opened) {
      channel.close();
      fail("The browser did not open the window of the authorization server. Allow this page to open windows.");
      return;
    }
    opened.opener = null;
    opened.location.replace(target.href);
    channel.onmessage = ({ data }) => {
      const answer = new URLSearchParams(data.answer);
      if (answer.get("state") !== state) {
        return; // of another tab, or of an attacker: not to what was asked here (RFC 6749 §10.12)
      }
      channel.postMessage({ received: data.id });
      channel.close();
      finish(answer, { auth, redirectUrl, callback, fail });
    };
  };
}

// Each API key field of the dialog takes the focus for itself, which would leave it with the last one.
function fromTheTop(show) {
  return (definitions) => {
    show(definitions);
    requestAnimationFrame(() => {
      document.querySelector(".modal-ux-content input:not([type=checkbox])")?.focus();
      document.querySelector(".modal-ux-content")?.scrollTo(0, 0);
    });
  };
}

function finish(answer, { auth, redirectUrl, callback, fail }) {
  if (answer.get("error")) {
    fail([answer.get("error"), answer.get("error_description")].filter(Boolean).join(": "));
  } else if (answer.get("code")) {
    callback({ auth: { ...auth, code: answer.get("code") }, redirectUrl });
  } else if (answer.get("access_token")) {
    callback({ auth, token: Object.fromEntries(answer), isValid: true, redirectUrl });
  } else {
    fail("The authorization server sent neither a code nor an error.");
  }
}

function unguessable() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function keep(authorized) {
  for (const each of Object.values(authorized)) {
    if (each.token) {
      for (const secret of ["password", "clientSecret", "code", "codeVerifier"]) {
        delete each[secret];
      }
    }
  }
  sessionStorage.setItem(KEY, JSON.stringify(authorized));
}

// Only for schemes that the document still has, as they were.
function kept(description) {
  const schemes = description.components?.securitySchemes ?? description.securityDefinitions ?? {};
  const authorized = Object.entries(JSON.parse(sessionStorage.getItem(KEY) ?? "{}"));
  return Object.fromEntries(authorized.filter(([name, { schema }]) => schemes[name]?.type === schema?.type));
}
