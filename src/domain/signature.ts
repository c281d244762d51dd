/** How functions can be called: one row of facts each. A language implements a row in `runtimes/<language>/`, in its own file. */

interface SignatureFacts {
  /**
   * What a call of it is given. `event`: the input as a value, and it answers with a value. `request`: the whole HTTP
   * request, and it may answer with status, headers and a stream.
   */
  given: 'event' | 'request'
  /** Which JSON counts as JSON: `any`, or `object` alone, everything else being plain text. */
  json: 'any' | 'object'
}

const facts = {
  event: { given: 'event', json: 'any' },
  http: { given: 'request', json: 'any' },
  qinling: { given: 'event', json: 'object' },
} as const satisfies Record<string, SignatureFacts>

export type Signature = keyof typeof facts

/** In the order in which they are shown. */
export const signatureNames = Object.keys(facts) as [Signature, ...Signature[]]

/** That of a function and a runtime which name none. */
export const defaultSignature: Signature = 'event'

export const factsOf = (signature: Signature): SignatureFacts => facts[signature]
