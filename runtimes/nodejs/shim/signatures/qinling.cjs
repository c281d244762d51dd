/** `main(context, input)`, as in the Node.js runtime of OpenStack Qinling. */

function bind(handler) {
  return { invoke: (input, context) => handler(contextOf(context), inputOf(input)) }
}

/** Not enumerable, as in Qinling; accessible by name. */
function contextOf({ openstack }) {
  return openstack === null ? {} : Object.defineProperty({}, 'openstack', { value: openstack })
}

function inputOf(input) {
  if (input === null) return undefined
  return typeof input === 'string' ? { __function_input: input } : input
}

/** Splits at the first dot. */
function splitAt(entry, folderEnd) {
  return entry.indexOf('.', folderEnd)
}

/** Text after a second dot is ignored, as in Qinling. */
function callableOf(exported, name) {
  const [first] = name.split('.')
  return exported[first] ?? exported.default?.[first]
}

module.exports = { bind, callableOf, splitAt }
