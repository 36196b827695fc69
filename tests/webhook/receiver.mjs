// A receiver as our users write it: it verifies what arrives with the official library of Standard
// Webhooks and says what it makes of it, one JSON document a line.
//
//   node receiver.mjs        prints {"port":…}, then reads {"secret":"whsec_…"} lines from standard input
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { Webhook } from 'standardwebhooks'

let secret = ''
const say = (o) => process.stdout.write(JSON.stringify(o) + '\n')

createInterface({ input: process.stdin }).on('line', (line) => {
  secret = JSON.parse(line).secret
  say({ secret: 'set' })
}).on('close', () => process.exit(0))

const server = createServer((req, res) => {
  const chunks = []
  req.on('data', (c) => chunks.push(c))
  req.on('end', () => {
    const body = Buffer.concat(chunks).toString('utf8')
    const seen = { id: req.headers['webhook-id'], signatures: String(req.headers['webhook-signature']).split(' ').length }
    try {
      const payload = new Webhook(secret).verify(body, req.headers)
      say({ ...seen, verified: true, type: payload.type, timestamp: payload.timestamp, data: payload.data })
      res.writeHead(204).end()
    } catch (err) {
      say({ ...seen, verified: false, error: String(err.message) })
      res.writeHead(401).end()
    }
  })
})
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }))
