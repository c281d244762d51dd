/** Access to the server's API, loaded for functions that may use it. */

/** Printing and JSON do not show the token, because functions print and return their context. */
class Api {
  #token

  constructor(url, token) {
    this.url = url
    this.#token = token
  }

  /** For the header X-Auth-Token, or as a bearer token; valid while this worker exists. */
  get token() {
    return this.#token
  }
}

/** The token of a call identifies the execution. */
function apiOf({ url, token }) {
  return (executionId) => new Api(url, `${token}.${executionId}`)
}

module.exports = { apiOf }
