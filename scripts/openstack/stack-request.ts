/** The response of an OpenStack service. */

export interface StackResponse {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
  json: any
}

export async function sendRequest(
  url: string,
  method: string,
  token: string | null,
  body?: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<StackResponse> {
  const auth: Record<string, string> = token === null ? {} : { 'X-Auth-Token': token }
  const response = await fetch(url, { method, body, headers: { ...headers, ...auth } })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
