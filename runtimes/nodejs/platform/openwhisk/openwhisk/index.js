const packages = require('../packages.cjs')
module.exports = packages['openwhisk']()
0 && (module.exports = {  })
