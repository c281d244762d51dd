/**
 * Environment variables whose value changes with each call. The C library keeps every former value, because it might be in use,
 * so setting a variable for each call would take more and more memory and time. Therefore these variables are in an object in
 * front of the process's environment; programs that the function starts get both.
 */

/** Values by name, set by each call. Undefined: not set. */
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
