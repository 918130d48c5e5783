/** Asks the gateway. The token came behind the #, is kept for this tab, and goes along with each request, never as a cookie. */
(() => {
  const { rea } = globalThis;
  const KEY = 'rea-token';
  const ANSWER_MS = 5000;
  /** Answers that take time: a browser has six connections for all tabs. */
  const MOST_ACTS = 2;
  let acts = 0;

  const given = new URLSearchParams(location.hash.slice(1)).get('t');
  if (given !== null) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, '', location.pathname);
  }
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
  /** Does something, and tells how far it is. @returns its result: `ok`, `text`, `action`. */
  const post = async (path, body, onStep) => {
    if (acts >= MOST_ACTS) throw new Refused(503, 'two things are going on already: wait');
    acts += 1;
    try {
      const response = await fetch(`/api/v1/${path}`, {
        ...options,
        method: 'POST',
        headers: { ...headers(), 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw await refusalOf(response);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) throw new Refused(0, 'the gateway went away: what became of it is not known');
        const lines = (text + value).split('\n');
        text = lines.pop();
        for (const line of lines) {
          const step = JSON.parse(line);
          if (step.done !== undefined) return step.done;
          onStep(step.going);
        }
      }
    } finally {
      acts -= 1;
    }
  };
  Object.assign(rea, { get, post, Refused, hasToken: () => sessionStorage.getItem(KEY) !== null });
})();
