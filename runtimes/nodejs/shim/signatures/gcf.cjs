/** Google's Functions Framework: `(req, res)`, CloudEvent and first-generation functions. The framework does the work. */

const { isEvent } = require('../cloud-event.cjs')
const { parseJson } = require('../builtins.cjs')
const { serverFor, sourceIn } = require('../google/framework.cjs')
const { importCode } = require('../load.cjs')
const { supply } = require('../platform.cjs')
const application = require('../web/application.cjs')

async function load(wish) {
  const target = wish.entry
  supply('express5')
  surroundings(wish, target)
  const exported = await importCode(sourceIn(wish.code, process.env.FUNCTION_SOURCE))
  return serverFor(wish.code, exported, target, process.env.FUNCTION_SIGNATURE_TYPE)
}

/** Variables of the platform, unless the function sets them itself. */
function surroundings(wish, target) {
  const name = wish.function_name ?? wish.function_id
  const seconds = `${Math.ceil((wish.timeout_ms ?? 60_000) / 1000)}`
  const given = {
    PORT: '8080',
    FUNCTION_TARGET: target,
    K_SERVICE: name,
    K_REVISION: `${name}-${wish.function_version}`,
    K_CONFIGURATION: name,
    FUNCTION_TIMEOUT_SEC: seconds,
    CLOUD_RUN_TIMEOUT_SECONDS: seconds,
    GOOGLE_CLOUD_PROJECT: wish.project_id,
    GCP_PROJECT: wish.project_id,
  }
  for (const [key, value] of Object.entries(given)) process.env[key] ??= value ?? ''
  // The entry's function is the target.
  process.env.FUNCTION_TARGET = target
}

function bind(server) {
  return application.bind(server, {
    headersOf: (meta) => [['function-execution-id', meta.execution_id]],
    postedTypeOf: ({ input }, body) =>
      input === 'json' && isStructured(body) ? 'application/cloudevents+json' : undefined,
    answersValues: true,
  })
}

const isStructured = (body) => body.includes('"specversion"') && isEvent(parseJson(body.toString()))

module.exports = { bind, load }
