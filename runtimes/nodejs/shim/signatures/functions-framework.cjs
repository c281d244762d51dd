/** `gcf` by the name of the framework. */

module.exports = require('./gcf.cjs')
