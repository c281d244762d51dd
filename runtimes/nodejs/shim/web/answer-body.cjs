/** Sends the body of a response: in one frame when it is short and complete at once, else as credit allows. */

const { finish } = require('../answer.cjs')
const { min, nextTick } = require('../builtins.cjs')
const { frameTypes, send } = require('../wire.cjs')
const { CHUNK, END, HEAD, RESULT } = frameTypes

/** Limit of responses that are sent as one frame. */
const smallAnswerBytes = 256 * 1024

class AnswerBody {
  #call
  /** JSON of status and headers. */
  #head
  #pieces = []
  #size = 0
  #isStreaming = false

  constructor(call, head) {
    this.#call = call
    this.#head = head
    // The end of the turn comes after all microtasks: a tick requested in a microtask runs after the others.
    Promise.resolve().then(() => nextTick(() => this.#stream()))
  }

  /** Resolves when there is room for more. The bytes then belong to the response. */
  async write(bytes) {
    this.#size += bytes.length
    if (this.#size > smallAnswerBytes) this.#stream()
    if (this.#isStreaming) await this.#sendAsCreditAllows(bytes)
    else this.#pieces.push(bytes)
  }

  end() {
    if (this.#call.over) return
    if (this.#isStreaming) return finish(this.#call, END, '{', '')
    const body = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces)
    finish(this.#call, RESULT, `{"value":"bytes","http":${this.#head},`, body)
  }

  #stream() {
    if (this.#isStreaming || this.#call.over) return
    this.#isStreaming = true
    send(HEAD, this.#call.number, this.#head)
    for (const piece of this.#pieces) this.#sendPiece(piece)
    this.#pieces = []
  }

  async #sendAsCreditAllows(bytes) {
    const call = this.#call
    let at = 0
    while (at < bytes.length && !call.cancelled && !call.over) {
      if (call.credit > 0) at += this.#sendPiece(bytes.subarray(at, at + min(call.credit, smallAnswerBytes)))
      else await this.#credit()
    }
  }

  #sendPiece(piece) {
    this.#call.credit -= piece.length
    if (piece.length > 0) send(CHUNK, this.#call.number, '', piece)
    return piece.length
  }

  #credit() {
    return new Promise((resolve) => {
      this.#call.wake = () => {
        this.#call.wake = undefined
        resolve()
      }
    })
  }
}

module.exports = { AnswerBody }
