/** `handler(event, context)`, where the event is a CloudEvent: an object with its attributes, extensions and `data`. */

const { answer, answerHttp } = require('../answer.cjs')
const { toJson } = require('../builtins.cjs')
const { answerOf, eventOf } = require('../cloud-event.cjs')
const { plainInputOf } = require('../invoke.cjs')

/** Calls over HTTP, whose result event is sent in headers. */
const asked = new WeakSet()

function bind(handler, wish) {
  return {
    invoke: handler,
    inputOf(call, meta, buffer, from, to, owned) {
      if (meta.http !== undefined) asked.add(call)
      return eventOf(meta, wish, plainInputOf(call, meta, buffer, from, to, owned))
    },
    answer(call, value, fn) {
      const event = asked.has(call) ? answerOf(value) : undefined
      if (event === undefined) return answer(call, value, fn)
      const { status, headers, body } = event
      answerHttp(call, toJson({ status, headers }), body, fn)
    },
  }
}

module.exports = { bind }
