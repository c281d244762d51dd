/**
 * Variables of the environment whose value is another one in each call. The C library keeps every value that a variable ever had: it
 * could be in use. Set with each call, a variable takes more memory and more time from call to call. So these lie in an object of ours,
 * in front of the environment of the process; programs that the function starts are given both.
 */

/** By name; a call sets them here. Undefined: there is none. */
let values

function changingEnv() {
  if (values !== undefined) return values
  values = Object.create(null)
  const { env } = process
  const isOurs = (name) => values[name] !== undefined
  process.env = new Proxy(env, {
    get: (_env, name) => values[name] ?? env[name],
    has: (_env, name) => isOurs(name) || name in env,
    set: (_env, name, value) => {
      if (isOurs(name)) values[name] = `${value}`
      else env[name] = value
      return true
    },
    deleteProperty: (_env, name) => {
      if (isOurs(name)) values[name] = undefined
      return delete env[name]
    },
    ownKeys: () => [...new Set([...Reflect.ownKeys(env), ...Object.keys(values).filter(isOurs)])],
    getOwnPropertyDescriptor: (_env, name) =>
      isOurs(name)
        ? { value: values[name], writable: true, enumerable: true, configurable: true }
        : Reflect.getOwnPropertyDescriptor(env, name),
  })
  return values
}

module.exports = { changingEnv }
