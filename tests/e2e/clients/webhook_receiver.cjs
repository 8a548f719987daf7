// Receives webhooks and verifies them with the package standardwebhooks: node webhook_receiver.cjs SECRET
// Prints its port, then one line for each request: its webhook-id, or why it is refused.
const { createServer } = require('node:http')
const { Webhook } = require('standardwebhooks')

const webhook = new Webhook(process.argv[2])

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    try {
      const event = webhook.verify(Buffer.concat(chunks).toString(), request.headers)
      response.writeHead(204).end()
      console.log(event.id)
    } catch (error) {
      response.writeHead(400).end()
      console.log(`refused: ${error.message}`)
    }
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
