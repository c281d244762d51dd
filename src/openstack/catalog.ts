/** The service to find in a catalogue. Pure. */

export interface EndpointQuery {
  /** Service type in the catalogue: `object-store`. */
  type: string
  interface: string
  /** Undefined: the first region. */
  region: string | undefined
}

/** The endpoint's URL without a trailing slash; null when the catalogue (JSON text) has no match. */
export function endpointIn(catalog: string, wish: EndpointQuery): string | null {
  for (const service of entries(parsed(catalog))) {
    if (service.type !== wish.type) continue
    const found = entries(service.endpoints).find(
      ({ interface: face, region, region_id }) =>
        face === wish.interface && (wish.region === undefined || region === wish.region || region_id === wish.region),
    )
    if (typeof found?.url === 'string' && URL.canParse(found.url)) return found.url.replace(/\/+$/, '')
  }
  return null
}

/** Objects in a list; other values in the foreign catalogue are skipped. */
const entries = (list: unknown): Record<string, unknown>[] =>
  Array.isArray(list) ? list.filter((entry) => typeof entry === 'object' && entry !== null) : []

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
