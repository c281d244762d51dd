/**
 * Apache OpenWhisk: `main(params)` → an object or an array, or a promise of one. An object with `error` and a rejected promise
 * mean that the action failed; both are also the response.
 */

const { answerJson, fail, failWith } = require('../answer.cjs')
const { builtin, isThenable, parseJson, toJson, whenSettled } = require('../builtins.cjs')
const { Refusal } = require('../errors.cjs')
const { findAction } = require('../openwhisk/actions.cjs')
const { enter, surroundings } = require('../openwhisk/environment.cjs')
const { serialised } = require('../openwhisk/errors.cjs')
const { supply } = require('../platform.cjs')
const { inspect } = builtin('node:util')

class NotAnObject extends Refusal {}
class ApplicationError extends Refusal {}

/** Default parameters; null: none. */
let defaults = null

async function load(wish) {
  defaults = surroundings(wish)
  supply('openwhisk')
  return findAction(wish.code, wish.entry || 'main')
}

function bind(main, wish) {
  const token = wish.api?.token
  return {
    inputOf: (_call, meta, buffer, from, to) => paramsOf(meta.input, buffer, from, to),
    contextOf: (call, meta) => {
      enter(meta, token)
      return call
    },
    invoke: (params, call) => invoke(main, params, call, wish),
    answer: () => {},
  }
}

function paramsOf(kind, buffer, from, to) {
  const given = kind === 'none' ? {} : kind === 'json' ? parseJson(buffer.toString('utf8', from, to)) : undefined
  if (typeof given !== 'object' || given === null) {
    throw new NotAnObject('an action takes a JSON object as its parameters, and this call has none')
  }
  return defaults === null || Array.isArray(given) ? given : { ...defaults, ...given }
}

/** An exception of a synchronous function is a developer error: it fails the call without a response. */
function invoke(main, params, call, wish) {
  const value = main(params)
  if (!isThenable(value)) return answer(call, value, wish)
  whenSettled(
    value,
    (value) => answer(call, value, wish),
    (error) => reject(call, error, wish),
  )
}

function answer(call, value, wish) {
  if (value === undefined) return answerJson(call, {}, wish)
  if (typeof value !== 'object' || value === null) {
    return fail(call, new NotAnObject('The action did not return a dictionary or array.'))
  }
  if (value.error === undefined || value.error === null) return answerJson(call, value, wish)
  failWith(call, errorOf(value.error), () => toJson(value), wish)
}

/** A rejection without a reason gives an empty error. */
function reject(call, reason, wish) {
  failWith(call, errorOf(reason ?? {}), () => toJson({ error: reason ? serialised(reason) : {} }), wish)
}

/** The error in the run's record. */
function errorOf(reason) {
  if (reason instanceof Error) return reason
  if (typeof reason === 'string') return new ApplicationError(reason)
  return new ApplicationError(typeof reason.message === 'string' ? reason.message : inspect(reason))
}

module.exports = { bind, load }
