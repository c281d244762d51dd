/** How functions can be called: one row of facts each. A language implements a row in `runtimes/<language>/`, in its own file. */

export interface SignatureFacts {
  /**
   * What a call of it is given. `event`: the input as a value, and it answers with a value. `request`: the whole HTTP
   * request, and it may answer with status, headers and a stream.
   */
  given: 'event' | 'request'
  /** Which JSON counts as JSON: `any`, or `object` alone, everything else being plain text. */
  json: 'any' | 'object'
  /**
   * What callers over HTTP are told of a function that failed, was too slow or ended: `fault` is the API's own answer, which
   * says what was wrong; `gateway` what the gateways of its platform say; `value` what the function answered when it failed.
   */
  failure: 'fault' | 'gateway' | 'value'
  /** How what triggers have to tell is put: in our own words, or as its platform does. */
  events: 'own' | 'aws' | 'openwhisk' | 'cloudevents' | 'google'
  /** Entry of a function that names none, whatever its language; absent: the runtime's. */
  entry?: string
  /** A package of it holds several functions, which are told when it is loaded; they have routes, schedules and keys of their own. */
  isApp?: true
}

const facts = {
  event: { given: 'event', json: 'any', failure: 'fault', events: 'own' },
  http: { given: 'request', json: 'any', failure: 'fault', events: 'own' },
  qinling: { given: 'event', json: 'object', failure: 'fault', events: 'own' },
  lambda: { given: 'request', json: 'any', failure: 'gateway', events: 'aws' },
  'runtime-api': { given: 'request', json: 'any', failure: 'gateway', events: 'aws' },
  executable: { given: 'event', json: 'any', failure: 'fault', events: 'own', entry: 'main' },
  openwhisk: { given: 'event', json: 'any', failure: 'value', events: 'openwhisk', entry: 'main' },
  cloudevent: { given: 'event', json: 'any', failure: 'fault', events: 'cloudevents' },
  gcf: { given: 'request', json: 'any', failure: 'fault', events: 'google', entry: 'function' },
  'functions-framework': { given: 'request', json: 'any', failure: 'fault', events: 'google', entry: 'function' },
  fission: { given: 'request', json: 'any', failure: 'fault', events: 'own', entry: '' },
  kubeless: { given: 'request', json: 'any', failure: 'fault', events: 'own' },
  azure: { given: 'request', json: 'any', failure: 'fault', events: 'own', entry: 'app', isApp: true },
} as const satisfies Record<string, SignatureFacts>

export type Signature = keyof typeof facts

/** In the order in which they are shown. */
export const signatureNames = Object.keys(facts) as [Signature, ...Signature[]]

/** That of a function and a runtime which name none. */
export const defaultSignature: Signature = 'event'

export const factsOf = (signature: Signature): SignatureFacts => facts[signature]

/** The signature of functions that come from a platform. */
export const signatureOfEvents = (events: SignatureFacts['events']): Signature =>
  signatureNames.find((name) => facts[name].events === events) ?? defaultSignature
