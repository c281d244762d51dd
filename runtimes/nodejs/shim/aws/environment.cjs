/** The environment of an AWS Lambda function, and the context values that all calls share. */

const { mebibyte } = require('../builtins.cjs')

const account = '000000000000'

/** Sets the variables that the function does not set itself. `isNode`: it runs on Node.js. */
function surroundings(
  { function_name: name, function_id: id, function_version: version, entry, code, ...wish },
  isNode,
) {
  const functionName = name ?? id
  const region = wish.env?.AWS_REGION ?? 'us-east-1'
  const functionVersion = version > 0 ? `${version}` : '$LATEST'
  const fixed = {
    functionName,
    functionVersion,
    arn: `arn:aws:lambda:${region}:${account}:function:${functionName}${version > 0 ? `:${version}` : ''}`,
    memoryMib: `${Math.floor((wish.memory_bytes ?? 0) / mebibyte)}`,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[${functionVersion}]${id.replaceAll('-', '')}`,
  }
  const routes = wish.env?.LAMBDA_HTTP_EVENTS
  if (routes !== undefined) fixed.gateway = require('./gateway.cjs').gatewayOf(routes)
  const variables = {
    _HANDLER: entry,
    LAMBDA_TASK_ROOT: code,
    LAMBDA_RUNTIME_DIR: __dirname,
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: functionVersion,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: fixed.memoryMib,
    AWS_LAMBDA_LOG_GROUP_NAME: fixed.logGroupName,
    AWS_LAMBDA_LOG_STREAM_NAME: fixed.logStreamName,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    ...(isNode && { AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x` }),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    TZ: ':UTC',
    LANG: process.env.LANG ?? 'C.UTF-8',
  }
  for (const [key, value] of Object.entries(variables)) {
    if (wish.env?.[key] === undefined) process.env[key] = value
  }
  return fixed
}

/** An X-Ray trace id from the 32 hexadecimal digits of the execution's id: time and random part. */
function traceOf(id) {
  const rest = `${id.slice(19, 23)}${id.slice(24)}`
  return `Root=1-${id.slice(0, 8)}-${id.slice(9, 13)}${id.slice(14, 18)}${rest};Parent=${rest};Sampled=0`
}

module.exports = { account, surroundings, traceOf }
