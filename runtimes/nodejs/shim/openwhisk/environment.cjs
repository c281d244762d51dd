/** What an action of OpenWhisk finds in its environment. */

const { changingEnv } = require('../changing-env.cjs')

const prefix = '__OW_'
/** JSON of the action's default parameters: the server's word to the shim, and none of the action's variables. */
const defaultsName = `${prefix}PARAMETERS`

/** Sets what is the same for all calls, unless the function sets it itself. Returns its default parameters; null: none. */
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
  changingEnv() // before code of the function keeps what is there now
  for (const [key, value] of Object.entries(variables)) process.env[prefix + key] ??= value
  const defaults = process.env[defaultsName]
  delete process.env[defaultsName]
  return defaults === undefined ? null : JSON.parse(defaults)
}

/** Values of one call. `token`: what it calls the API with; undefined: it may not. */
function enter({ execution_id: executionId, deadline_ms: deadlineMs }, token) {
  const env = changingEnv()
  const id = executionId.replaceAll('-', '')
  env.__OW_ACTIVATION_ID = id
  env.__OW_TRANSACTION_ID = id
  env.__OW_DEADLINE = `${deadlineMs}`
  if (token !== undefined) env.__OW_API_KEY = `taibai:${token}.${executionId}`
}

module.exports = { enter, surroundings }
