/** Asks the gateway. The token came behind the #, is kept for this tab, and goes along with each request, never as a cookie. */
(() => {
  const { rea } = globalThis;
  const KEY = 'rea-token';
  const ANSWER_MS = 5000;

  /** Nobody sees it in the address for longer than a moment. @returns whether there was one. */
  const takeToken = () => {
    const given = new URLSearchParams(location.hash.slice(1)).get('t');
    if (given === null) return false;
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, '', location.pathname);
    return true;
  };
  takeToken();
  const headers = () => ({ authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ''}` });
  const options = { cache: 'no-store', credentials: 'omit', redirect: 'error' };

  class Refused extends Error {
    constructor(status, text) {
      super(text);
      this.status = status;
    }
  }
  const refusalOf = async (response) => {
    const { error } = await response.json().catch(() => ({}));
    return new Refused(response.status, error ?? `status ${response.status}`);
  };
  /** @returns the JSON of the answer. */
  const get = async (path) => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(`/api/v1/${path}`, { ...options, headers: headers(), signal });
    if (!response.ok) throw await refusalOf(response);
    return response.json();
  };
  /** Does something, and tells how far it is. @returns its result: `ok`, `text`, `action`. @param signal ends it. */
  const post = async (path, body, onStep, signal = null) => {
    const response = await fetch(`/api/v1/${path}`, {
      ...options,
      method: 'POST',
      headers: { ...headers(), 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    if (!response.ok) throw await refusalOf(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Refused(0, 'the gateway has gone: whether it was done is unknown');
      const lines = (text + value).split('\n');
      text = lines.pop();
      for (const line of lines) {
        const step = JSON.parse(line);
        if (step.done !== undefined) return step.done;
        onStep(step.going);
      }
    }
  };
  const hasToken = () => sessionStorage.getItem(KEY) !== null;
  Object.assign(rea, { get, post, Refused, hasToken, takeToken });
})();
