// Asks this process. A mesh with a token asks for it: it is kept in this tab's sessionStorage and sent as a bearer token.

const KEY = "ballast.token";

/** What an answer that is no answer says: {reason, message}. */
export class ApiError extends Error {
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

let onTokenWanted = () => {};

/** Calls `listener` when the mesh asks for a token. */
export function tokenWanted(listener) {
  onTokenWanted = listener;
}

/** Uses `token` from now on. */
export function useToken(token) {
  sessionStorage.setItem(KEY, token);
}

async function ask(path, options = {}) {
  const token = sessionStorage.getItem(KEY);
  const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new ApiError("UNREACHABLE", "this process does not answer; ./mesh up starts it");
  }
  let body = null;
  try {
    body = await response.json();
  } catch {
    // said below, for an answer without JSON is none
  }
  if (response.status === 401) {
    onTokenWanted();
  }
  if (!response.ok || body === null) {
    throw new ApiError(body?.reason ?? `HTTP ${response.status}`, body?.message ?? "no answer in JSON");
  }
  return body;
}

/** Reads `path`. */
export function get(path) {
  return ask(path);
}

/** Sends `body` to `path`. */
export function post(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}
