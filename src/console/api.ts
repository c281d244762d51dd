import { signal } from '@preact/signals'

/** The API for the pages. The token is stored for this tab only, and never in a URL. */

const tokenKey = 'taibai-token'

/** Null: unknown; open mode needs none. */
export const token = signal<string | null>(sessionStorage.getItem(tokenKey))
/** True when the server requires a token and we have none. */
export const needsLogin = signal(false)

export class Problem extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export function logIn(value: string): void {
  sessionStorage.setItem(tokenKey, value)
  token.value = value
  needsLogin.value = false
}

export function logOut(): void {
  sessionStorage.removeItem(tokenKey)
  token.value = null
  needsLogin.value = true
}

export async function apiRequest(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (token.value !== null) headers.set('X-Auth-Token', token.value)
  const answer = await fetch(path, { ...init, method, headers }).catch(() => {
    throw new Problem(0, 'The server does not answer.')
  })
  if (answer.status === 401) {
    logOut()
    throw new Problem(401, 'The token is not valid, or has expired.')
  }
  return answer
}

/** The JSON of a successful response. Throws Problem with the server's own message. */
export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
  return answered<T>(await apiRequest(method, path, init))
}

export async function answered<T>(answer: Response): Promise<T> {
  const text = await answer.text()
  if (answer.ok) return (text === '' ? null : JSON.parse(text)) as T
  throw new Problem(answer.status, sentenceOf(text) ?? `The server answered ${answer.status}.`)
}

function sentenceOf(text: string): string | undefined {
  try {
    return JSON.parse(text).faultstring
  } catch {
    return undefined
  }
}

export const get = <T>(path: string): Promise<T> => call<T>('GET', path)
