/** The platform's side of the Azure Functions libraries: `@azure/functions-core`. */

const { printTo } = require('../output.cjs')

/** Registered functions by name, `{metadata, callback}`. */
const functions = new Map()
const hooks = { appStart: [], appTerminate: [], preInvocation: [], postInvocation: [], log: [] }
/** Data that hooks share. */
const appHookData = {}
let model

class Disposable {
  constructor(dispose) {
    this.dispose = dispose ?? (() => {})
  }

  static from(...all) {
    return new Disposable(() => {
      for (const one of all) one.dispose()
    })
  }
}

const core = {
  version: '3.10.1',
  hostVersion: '4.1037.0.0',
  Disposable,
  registerFunction(metadata, callback) {
    functions.set(metadata.name, { metadata, callback })
    return new Disposable(() => functions.delete(metadata.name))
  },
  setProgrammingModel(chosen) {
    model = chosen
  },
  getProgrammingModel: () => model,
  registerHook(name, callback) {
    hooks[name]?.push(callback)
    return new Disposable(() => {
      hooks[name] = hooks[name]?.filter((one) => one !== callback)
    })
  },
  log,
}

const errors = new Set(['warning', 'error', 'critical'])

/** What the library itself says is shown from a warning on. */
function log(level, category, message) {
  if (category === 'system' && !errors.has(level)) return
  printTo(errors.has(level) ? 'stderr' : 'stdout', `${message}\n`)
}

/** Provides the module where the libraries require it. */
function offer() {
  globalThis[Symbol.for('io.taibai.azure-functions-core')] = core
}

async function runHooks(name, context) {
  for (const hook of hooks[name] ?? []) await hook(context)
}

/** Returns the URL at which the library takes requests as streams; undefined: it takes them whole. */
async function start() {
  const capabilities = (await model?.getCapabilities?.({})) ?? {}
  await runHooks('appStart', { hookData: {}, appHookData })
  return capabilities.HttpUri
}

/** One invocation, as in Azure's own worker: `{returnValue, outputData}`, and whether the function returned something. */
async function invoke({ metadata, callback }, invocationId, inputData, triggerMetadata, trace) {
  const request = {
    invocationId,
    functionId: metadata.name,
    inputData,
    triggerMetadata,
    traceContext: { traceParent: trace ?? '', traceState: '', attributes: {} },
    retryContext: undefined,
  }
  const invocation = model.getInvocationModel({
    invocationId,
    metadata,
    request,
    state: 'invocation',
    log,
  })
  const { context, inputs } = await invocation.getArguments()
  const hookData = {}
  const before = { hookData, appHookData, invocationContext: context, inputs, functionCallback: callback }
  await runHooks('preInvocation', before)
  const after = { hookData, appHookData, invocationContext: context, inputs: before.inputs, result: null, error: null }
  try {
    after.result = await invocation.invokeFunction(context, before.inputs, before.functionCallback)
  } catch (error) {
    after.error = error
  }
  await runHooks('postInvocation', after)
  if (after.error !== null && after.error !== undefined) throw after.error
  const hasResult = after.result !== undefined && after.result !== null
  return { ...(await invocation.getResponse(context, after.result)), hasResult }
}

module.exports = { core, functions, invoke, offer, start }
