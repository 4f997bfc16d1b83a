/** An error whose code the page has a sentence for, under `errors` in languages/. */
export const problem = (code, message = code) => Object.assign(new Error(message), { code });
