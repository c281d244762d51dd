/** Where a service is to be found. Pure. */

export interface EndpointWish {
  /** As in the catalogue: `object-store`. */
  type: string
  interface: string
  /** Undefined: the first there is. */
  region: string | undefined
}

/** The URL, without a slash at its end; null when the catalogue (JSON text) has none of that kind. */
export function endpointIn(catalog: string, wish: EndpointWish): string | null {
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

/** Objects of a list; whatever else stands in the catalogue of a stranger is passed over. */
const entries = (list: unknown): Record<string, unknown>[] =>
  Array.isArray(list) ? list.filter((entry) => typeof entry === 'object' && entry !== null) : []

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
