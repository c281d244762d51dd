/** `main(context, input)`, as the Node.js runtime of OpenStack Qinling called functions. */

function bind(handler) {
  return { invoke: (input, context) => handler(contextOf(context), inputOf(input)) }
}

/** Empty to those who look, as it was there; it is there for those who ask for it by name. */
function contextOf({ openstack }) {
  return openstack === null ? {} : Object.defineProperty({}, 'openstack', { value: openstack })
}

function inputOf(input) {
  if (input === null) return undefined
  return typeof input === 'string' ? { __function_input: input } : input
}

/** At the first dot. */
function splitAt(entry, folderEnd) {
  return entry.indexOf('.', folderEnd)
}

/** Whatever follows a second dot does not count, as it was there. */
function callableOf(exported, name) {
  const [first] = name.split('.')
  return exported[first] ?? exported.default?.[first]
}

module.exports = { bind, callableOf, splitAt }
