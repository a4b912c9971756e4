// Where an authorization server sends the browser back to: hands the answer to the docs page that asked, and closes.
const SECONDS = 3;
const said = document.getElementById("said");
const answer = (location.search || location.hash).slice(1);
const id = crypto.getRandomValues(new Uint32Array(4)).join();
const channel = new BroadcastChannel(`authmw ${location.pathname}`);

history.replaceState(null, "", location.pathname); // a code is good for once, and is nobody's to find
channel.onmessage = ({ data }) => {
  if (data.received === id) {
    clearTimeout(waiting);
    said.textContent = "Done. You can close this window.";
    window.close();
  }
};
const waiting = setTimeout(() => {
  said.textContent = "No docs page waits for this answer. Close this window, and press Authorize there again.";
}, SECONDS * 1000);
channel.postMessage({ id, answer });
