/** Environment variables that describe a call to a program. */

/** The part that all calls share is computed once. */
function callVariables({ function_name: name, function_version: version, project_id: project, api }) {
  const fixed = { FN_NAME: name, FN_VERSION: `${version}`, FN_PROJECT_ID: project }
  return (meta) => ({
    ...fixed,
    FN_EXECUTION_ID: meta.execution_id,
    FN_TRIGGER: meta.trigger,
    FN_DEADLINE_MS: `${meta.deadline_ms}`,
    ...(meta.traceparent && { TRACEPARENT: meta.traceparent }),
    ...(api && { TAIBAI_TOKEN: `${api.token}.${meta.execution_id}`, TAIBAI_URL: api.url }),
    ...(meta.http && requestVariables(meta.http)),
  })
}

/** The request of a webhook, with CGI names (RFC 3875). */
function requestVariables({ method, target, headers }) {
  const at = target.indexOf('?')
  const variables = { REQUEST_METHOD: method, QUERY_STRING: at === -1 ? '' : target.slice(at + 1) }
  for (const [name, value] of headers) {
    if (name.includes('_') || name === 'proxy') continue
    const key = name === 'content-type' ? 'CONTENT_TYPE' : `HTTP_${name.toUpperCase().replaceAll('-', '_')}`
    variables[key] = key in variables ? `${variables[key]}${name === 'cookie' ? '; ' : ', '}${value}` : value
  }
  return variables
}

module.exports = { callVariables }
