/** How a function calls the API of the server. Loaded for those that may. */

/** Its token shows in no print and no JSON: functions print and return their context. */
class Api {
  #token

  constructor(url, token) {
    this.url = url
    this.#token = token
  }

  /** For the header X-Auth-Token, or as a bearer; good while this worker is there. */
  get token() {
    return this.#token
  }
}

/** The token of a call says which execution asks. */
function apiOf({ url, token }) {
  return (executionId) => new Api(url, `${token}.${executionId}`)
}

module.exports = { apiOf }
