/**
 * The facts about a signature (a calling convention). Each language implements it in a file of its own in `runtimes/<language>/`.
 */

export interface SignatureFacts {
  /**
   * The argument of a call. `event`: the input as a value, and the result is a value. `request`: the whole HTTP request, and the
   * result may have status, headers and a stream.
   */
  given: 'event' | 'request'
  /** Which JSON input is parsed: `any`, or only an `object`, while everything else is plain text. */
  json: 'any' | 'object'
  /**
   * The HTTP response when a function fails, times out or ends: `fault` is the API's own error with the reason; `gateway` is that
   * of the platform's gateway; `value` is what the function returned when it failed.
   */
  failure: 'fault' | 'gateway' | 'value'
  /** The format of triggers' events: our own, or the platform's. */
  events: 'own' | 'aws' | 'openwhisk' | 'cloudevents' | 'google' | 'azure'
  /** Default entry of functions, for all languages; absent: the runtime's. */
  entry?: string
  /** Default timeout on the platform; absent, or less than the server's: the server's. */
  timeoutSeconds?: number
  /**
   * True when a package contains several functions, which it reports when it is loaded; they have routes, schedules and keys of
   * their own.
   */
  isApp?: true
}

const facts = {
  event: { given: 'event', json: 'any', failure: 'fault', events: 'own' },
  http: { given: 'request', json: 'any', failure: 'fault', events: 'own' },
  qinling: { given: 'event', json: 'object', failure: 'fault', events: 'own' },
  lambda: { given: 'request', json: 'any', failure: 'gateway', events: 'aws' },
  'runtime-api': { given: 'request', json: 'any', failure: 'gateway', events: 'aws' },
  executable: { given: 'event', json: 'any', failure: 'fault', events: 'own', entry: 'main' },
  openwhisk: { given: 'event', json: 'any', failure: 'value', events: 'openwhisk', entry: 'main', timeoutSeconds: 60 },
  cloudevent: { given: 'event', json: 'any', failure: 'fault', events: 'cloudevents' },
  gcf: { given: 'request', json: 'any', failure: 'fault', events: 'google', entry: 'function', timeoutSeconds: 60 },
  'functions-framework': {
    given: 'request',
    json: 'any',
    failure: 'fault',
    events: 'google',
    entry: 'function',
    timeoutSeconds: 60,
  },
  fission: { given: 'request', json: 'any', failure: 'fault', events: 'own', entry: '', timeoutSeconds: 60 },
  kubeless: { given: 'request', json: 'any', failure: 'fault', events: 'own', timeoutSeconds: 180 },
  azure: {
    given: 'request',
    json: 'any',
    failure: 'fault',
    events: 'azure',
    entry: 'app',
    timeoutSeconds: 300,
    isApp: true,
  },
} as const satisfies Record<string, SignatureFacts>

export type Signature = keyof typeof facts

/** In the order in which they are shown. */
export const signatureNames = Object.keys(facts) as [Signature, ...Signature[]]

/** The default of functions and runtimes. */
export const defaultSignature: Signature = 'event'

export const factsOf = (signature: Signature): SignatureFacts => facts[signature]

/** The signature for functions of another platform. */
export const signatureOfEvents = (events: SignatureFacts['events']): Signature =>
  signatureNames.find((name) => facts[name].events === events) ?? defaultSignature
