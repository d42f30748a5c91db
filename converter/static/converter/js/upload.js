// Sends one file with one signed form: first the fields, then the file.

export class Stopped extends Error {}
export class Expired extends Error {}

/** An error response of the site, with its problem details. */
export class Refused extends Error {
  /** @param {{ code: string, detail: string }} problem */
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/**
 * Reject with Stopped, Expired (request a new form), Refused or Error.
 * @param {{ url: string, fields: Record<string, string> }} form
 * @param {File} file
 * @param {{ signal: AbortSignal, progress: (share: number) => void }} watch `progress` gets a share from 0 to 1
 * @returns {Promise<void>}
 */
export function send(form, file, { signal, progress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    signal.addEventListener("abort", stop);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onabort = () => reject(new Stopped());
    request.onerror = () => reject(new Error("network"));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else if (request.status === 403) reject(new Expired());
      else reject(refusalOf(request));
    };
    request.onloadend = () => signal.removeEventListener("abort", stop);
    const body = new FormData();
    for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
    body.append("file", file);
    request.open("POST", form.url);
    request.send(body);
    if (signal.aborted) stop();
  });
}

/** @param {XMLHttpRequest} request */
function refusalOf(request) {
  try {
    return new Refused(JSON.parse(request.responseText));
  } catch {
    return new Error("no problem details"); // S3 responds with XML
  }
}
