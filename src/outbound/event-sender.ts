import { lookup } from 'node:dns'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { CloudEvent, EventSender, Message, SendResult } from '../domain/triggers/cloud-event.ts'

export interface EventSenderOptions {
  /** Whether the address may be contacted. */
  mayReach(address: string, port: number): boolean
  /** Longest wait for a response. */
  timeoutMs: number
}

/** Statuses for which a retry is useless. */
const goneStatuses = new Set([410, 415])

/**
 * Posts events in the binary mode of CloudEvents over HTTP. Redirects are not followed, and the address is checked after name
 * resolution, so that no name can lead to a closed address.
 */
export class HttpEventSender implements EventSender {
  #options: EventSenderOptions

  constructor(options: EventSenderOptions) {
    this.#options = options
  }

  async send(url: string, event: CloudEvent | Message): Promise<SendResult> {
    try {
      const status = await this.#post(new URL(url), event)
      if (status >= 200 && status < 300) return { kind: 'taken' }
      return { kind: goneStatuses.has(status) ? 'gone' : 'refused', reason: `The destination answered ${status}.` }
    } catch (error) {
      const isClosed = error instanceof ClosedAddress
      const reason = error instanceof Error ? error.message : String(error)
      return {
        kind: isClosed ? 'gone' : 'refused',
        reason: isClosed ? reason : `The destination was not reached: ${reason}`,
      }
    }
  }

  #post(url: URL, event: CloudEvent | Message): Promise<number> {
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
    const host = url.hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0 && !this.#options.mayReach(host, port)) return Promise.reject(new ClosedAddress(host))
    const { headers, body } = 'attributes' in event ? { headers: headersOf(event), body: bodyOf(event) } : event
    const signal = AbortSignal.timeout(this.#options.timeoutMs)
    const options = {
      ...{ method: 'POST', agent: false as const, lookup: this.#lookup(port), signal },
      headers: { ...headers, 'Content-Length': body.length, 'User-Agent': 'taibai' },
    }
    return new Promise((resolve, reject) => {
      const send = url.protocol === 'https:' ? requestHttps : requestHttp
      const outgoing = send(url, options, (answer: IncomingMessage) => {
        resolve(answer.statusCode ?? 0)
        answer.destroy()
      })
      outgoing.once('error', reject).end(body)
    })
  }

  /** Every address of the name must be allowed, because the system chooses among them. */
  #lookup(port: number): LookupFunction {
    return (hostname, options, done) => {
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return done(error, [])
        const closed = addresses.find(({ address }) => !this.#options.mayReach(address, port))
        if (closed !== undefined) return done(new ClosedAddress(hostname), [])
        if (options.all) return done(null, addresses)
        const [first] = addresses
        done(null, first?.address ?? '', first?.family)
      })
    }
  }
}

class ClosedAddress extends Error {
  constructor(host: string) {
    super(
      `${host} is an address of the host or of its containers, or link-local: the operator opens those with TAIBAI_EGRESS_ALLOW.`,
    )
  }
}

/** Percent-encoded as the HTTP binding requires. */
function headersOf({ attributes }: CloudEvent): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'datacontenttype') headers['Content-Type'] = value
    else headers[`ce-${name}`] = value.replaceAll(/[^\x21\x23\x24\x26-\x7e]+/g, encodeURIComponent)
  }
  return headers
}

function bodyOf({ data }: CloudEvent): Buffer {
  if (data === null) return Buffer.alloc(0)
  return 'json' in data ? Buffer.from(data.json) : data.bytes
}
