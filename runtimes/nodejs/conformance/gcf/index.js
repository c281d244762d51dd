// For the Functions Framework that the platform supplies.
import { cloudEvent, http } from '@google-cloud/functions-framework'

http('hello', (req, res) => {
  if (req.path === '/throw') throw new TypeError('as asked')
  res.status(201).json({ method: req.method, path: req.path, body: req.body ?? null, service: process.env.K_SERVICE })
})

cloudEvent('events', (event) => {
  console.log(`${event.type} ${event.id} ${event.data.n}`)
})
