/** The environment of an OpenWhisk action. */

const { changingEnv } = require('../changing-env.cjs')

const prefix = '__OW_'
/** Internal variable with the JSON of the action's default parameters, hidden from the action. */
const defaultsName = `${prefix}PARAMETERS`

/** Sets the variables that all calls share, unless the function sets them itself. Returns its default parameters; null: none. */
function surroundings({
  function_name: name,
  function_id: id,
  function_version: version,
  project_id: project,
  ...wish
}) {
  const variables = {
    ACTION_NAME: `/${project}/${(name ?? id).replace('--', '/')}`,
    ACTION_VERSION: `0.0.${version > 0 ? version : 1}`,
    NAMESPACE: project,
    ...(wish.api !== undefined && { API_HOST: wish.api.url }),
  }
  changingEnv() // before code of the function copies the environment
  for (const [key, value] of Object.entries(variables)) process.env[prefix + key] ??= value
  const defaults = process.env[defaultsName]
  delete process.env[defaultsName]
  return defaults === undefined ? null : JSON.parse(defaults)
}

/** Sets the values of one call. `token`: for the API; undefined: no access. */
function enter({ execution_id: executionId, deadline_ms: deadlineMs }, token) {
  const env = changingEnv()
  const id = executionId.replaceAll('-', '')
  env.__OW_ACTIVATION_ID = id
  env.__OW_TRANSACTION_ID = id
  env.__OW_DEADLINE = `${deadlineMs}`
  if (token !== undefined) env.__OW_API_KEY = `taibai:${token}.${executionId}`
}

module.exports = { enter, surroundings }
