const packages = require('../../packages.cjs')
module.exports = packages['@azure/functions']()
0 && (module.exports = { setup })
