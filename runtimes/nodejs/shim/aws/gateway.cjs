/**
 * Events of API Gateway, for functions whose variable LAMBDA_HTTP_EVENTS says the payload format and the routes, such as
 * `1.0; GET /items/{id}; ANY /{proxy+}`: of a REST API (1.0) or of an HTTP API (2.0).
 */

/** Makes of a function URL's event that of the API. */
function gatewayOf(text) {
  const [format, ...rest] = text.split(';').map((part) => part.trim())
  const routes = rest.filter((part) => part !== '').map(routeOf)
  const convert = format === '1.0' ? restEventOf : httpEventOf
  return (event, pairs) => convert(event, matching(routes, event), pairs)
}

/** `{id}` is one segment, `{proxy+}` is all that is left. */
function routeOf(text) {
  const [method, path = '/'] = text.split(/\s+/)
  const names = []
  const pattern = path.replace(/\{([^}]+)\}|[^{]+/g, (part, name) => {
    if (name === undefined) return part.replace(/[.*+?^$()|[\]\\]/g, '\\$&')
    names.push(name.replace(/\+$/, ''))
    return name.endsWith('+') ? '(.+)' : '([^/]+)'
  })
  return { method, path, pattern: new RegExp(`^${pattern}/?$`), names }
}

/** A route without parameters goes first, as in API Gateway. */
function matching(routes, { rawPath, requestContext }) {
  const { method } = requestContext.http
  let found
  for (const route of routes) {
    const match = route.method === 'ANY' || route.method === method ? route.pattern.exec(rawPath) : null
    if (match === null || (found !== undefined && found.names.length <= route.names.length)) continue
    found = { ...route, match }
  }
  return found
}

function parametersOf(route) {
  if (route === undefined || route.names.length === 0) return null
  return Object.fromEntries(route.names.map((name, at) => [name, decoded(route.match[at + 1])]))
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Payload format 2.0 of an HTTP API. */
function httpEventOf(event, route) {
  if (route === undefined) return event
  const routeKey = `${route.method} ${route.path}`
  const pathParameters = parametersOf(route)
  Object.assign(event, { routeKey }, pathParameters && { pathParameters })
  event.requestContext.routeKey = routeKey
  return event
}

/** The event of a REST API: what is not there is null, and names of headers are written as usual. */
function restEventOf(event, route, pairs) {
  const { requestContext: context, rawPath: path } = event
  const { method: httpMethod, sourceIp, userAgent } = context.http
  const resource = route?.path ?? path
  const multiValueHeaders = groupsOf(pairs.map(([name, value]) => [usualName(name), value]))
  const query = groupsOf(new URLSearchParams(event.rawQueryString))
  const hasQuery = event.rawQueryString !== ''
  return {
    resource,
    path,
    httpMethod,
    headers: lastOf(multiValueHeaders),
    multiValueHeaders,
    queryStringParameters: hasQuery ? lastOf(query) : null,
    multiValueQueryStringParameters: hasQuery ? query : null,
    pathParameters: parametersOf(route),
    stageVariables: null,
    requestContext: {
      accountId: context.accountId,
      apiId: context.apiId,
      domainName: context.domainName,
      domainPrefix: context.domainPrefix,
      httpMethod,
      identity: { sourceIp, userAgent },
      path,
      protocol: context.http.protocol,
      requestId: context.requestId,
      requestTime: context.time,
      requestTimeEpoch: context.timeEpoch,
      resourcePath: resource,
      stage: context.stage,
    },
    body: event.body ?? null,
    isBase64Encoded: event.isBase64Encoded,
  }
}

const usualName = (name) => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())

function groupsOf(pairs) {
  const groups = Object.create(null)
  for (const [name, value] of pairs) {
    groups[name] ??= []
    groups[name].push(value)
  }
  return { ...groups }
}

const lastOf = (groups) => Object.fromEntries(Object.entries(groups).map(([name, values]) => [name, values.at(-1)]))

module.exports = { gatewayOf }
