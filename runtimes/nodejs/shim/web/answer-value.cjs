/** The result of a call that did not come over HTTP: the body is its value, and a 5xx status its failure. */

const { fail, finish } = require('../answer.cjs')
const { parseJson } = require('../builtins.cjs')
const { Refusal } = require('../errors.cjs')
const { frameTypes } = require('../wire.cjs')
const { RESULT } = frameTypes

class ServerError extends Refusal {}

/** Has the methods of AnswerBody. */
class AnswerValue {
  #call
  #status
  #type
  #pieces = []

  /** `head`: JSON of status and headers. */
  constructor(call, head) {
    const { status, headers } = parseJson(head)
    this.#call = call
    this.#status = status
    this.#type =
      headers
        .find(([name]) => name === 'content-type')?.[1]
        .split(';')[0]
        .trim()
        .toLowerCase() ?? ''
  }

  write(bytes) {
    this.#pieces.push(bytes)
  }

  end() {
    if (this.#call.over) return
    const body = Buffer.concat(this.#pieces)
    if (this.#status >= 500)
      return fail(this.#call, new ServerError(body.toString() || `The answer was ${this.#status}.`))
    finish(this.#call, RESULT, `{"value":"${this.#kindOf(body)}",`, body.length === 0 ? 'null' : body)
  }

  #kindOf(body) {
    if (body.length === 0) return 'json'
    if (/[/+]json$/.test(this.#type)) return isJson(body) ? 'json' : 'text'
    return this.#type.startsWith('text/') || this.#type === '' ? 'text' : 'bytes'
  }
}

function isJson(body) {
  try {
    parseJson(body.toString())
    return true
  } catch {
    return false
  }
}

module.exports = { AnswerValue }
