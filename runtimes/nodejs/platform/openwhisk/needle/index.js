const packages = require('../packages.cjs')
module.exports = packages['needle']()
0 && (module.exports = { version, defaults, head, get, post, put, patch, request })
