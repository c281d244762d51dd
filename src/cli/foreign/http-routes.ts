/** The routes of a function in a REST API or an HTTP API of AWS, for the variable that tells its worker of them. */
export class HttpRoutes {
  /** Payload format of the first route; undefined: there is none. */
  #format: string | undefined
  #routes: string[] = []

  /** `format`: 1.0 of REST APIs, 2.0 of HTTP APIs. */
  add(format: string, method: string, path: string): void {
    this.#format ??= format
    const word = /^(?:any|any method|\*)$/i.test(method) ? 'ANY' : method.toUpperCase()
    this.#routes.push(`${word} ${path.startsWith('/') ? path : `/${path}`}`)
  }

  /** Nothing for a function without routes: it gets the event of a function URL. */
  env(): Record<string, string> {
    return this.#format === undefined ? {} : { LAMBDA_HTTP_EVENTS: [this.#format, ...this.#routes].join('; ') }
  }
}

/** Payload format of an event of a SAM template. */
export const formatOf = (type: string, version: unknown): string => {
  if (type === 'Api') return '1.0'
  return String(version) === '1' || String(version) === '1.0' ? '1.0' : '2.0'
}
