/** The calls' OpenStack session, from the latest SESSION frame. */

class OpenStackUnavailable extends Error {}
class EndpointNotFound extends Error {}

/** Printing and JSON do not show its content, because functions print and return their context. */
class OpenStack {
  #session

  static renew(openstack, session) {
    openstack.#session = session
    return openstack
  }

  /** For the header X-Auth-Token; valid for some minutes, so read it when it is needed. */
  get token() {
    return this.#good.token
  }

  get authUrl() {
    return this.#good.auth_url
  }

  get projectId() {
    return this.#good.details.project.id
  }

  get userId() {
    return this.#good.details.user.id
  }

  /** Names of the roles. */
  get roles() {
    return this.#good.details.roles.map(({ name }) => name)
  }

  /** Keystone's catalogue: `[{type, name, endpoints: [{interface, region, url}]}]`. */
  get catalog() {
    return this.#good.catalog
  }

  /** The URL of a service, such as `object-store`, without a trailing slash. */
  endpoint(type, { interface: face = 'public', region } = {}) {
    const endpoints = this.catalog.filter((service) => service.type === type).flatMap((service) => service.endpoints)
    const isWanted = (one) => one.interface === face && (region === undefined || one.region === region)
    const found = endpoints.find(isWanted)
    if (found) return found.url.replace(/\/+$/, '')
    const where = region === undefined ? '' : ` in the region ${region}`
    throw new EndpointNotFound(`the catalogue has no ${face} endpoint of the type ${type}${where}`)
  }

  get #good() {
    if (this.#session.problem !== undefined) throw new OpenStackUnavailable(this.#session.problem)
    return this.#session
  }
}

const { renew } = OpenStack
// Hidden from functions, which get the class through their context's `openstack`.
delete OpenStack.renew

/** One object for all calls, so that a running call sees the renewed token. */
const openstack = new OpenStack()

module.exports = { renew: (session) => renew(openstack, session) }
